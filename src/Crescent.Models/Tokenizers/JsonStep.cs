using Crescent.Models.Weights;

namespace Crescent.Models.Tokenizers;

/// <summary>What the parts of a tokenizer file have in common: a type, optional switches, and types nobody knows.</summary>
internal static class JsonStep
{
    public static string Type(this JsonField step) => step.Required("type").Text();

    public static bool Flag(this JsonField step, string name, bool fallback = false) =>
        step.Optional(name)?.Flag() ?? fallback;

    /// <summary>A token id or a count.</summary>
    public static int NonNegative(this JsonField field) =>
        field.Integer() is var value and >= 0 ? value : throw field.Wrong("0 or more");

    public static ModelFormatException Unsupported(this JsonField field, string what) =>
        new(field.File, $"'{field.Name}' is {what}, which is not supported");
}
