using System.Text.Json;

namespace Crescent.Models.Tokenizers;

/// <summary>Reads the parts of a tokenizer file; what is missing or of the wrong kind is named by its path.</summary>
internal static class JsonReading
{
    /// <summary>The member, or null when it is absent or null.</summary>
    public static JsonElement? Member(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value)
        && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    public static JsonElement Required(this JsonElement element, string name, JsonValueKind kind, string path) =>
        element.Member(name) is { } value && value.ValueKind == kind
            ? value
            : throw new InvalidDataException($"tokenizer.json: '{path}.{name}' is missing or not of kind {kind}");

    public static string RequiredString(this JsonElement element, string name, string path) =>
        element.Required(name, JsonValueKind.String, path).GetString()!;

    public static int RequiredInt(this JsonElement element, string name, string path) =>
        element.Required(name, JsonValueKind.Number, path).AsInt($"{path}.{name}");

    /// <summary>A token id or a count: 0 to 2^31 - 1.</summary>
    public static int AsInt(this JsonElement element, string path) =>
        element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out var value) && value >= 0
            ? value
            : throw new InvalidDataException($"tokenizer.json: '{path}' is not a whole number of 0 or more");

    public static bool Flag(this JsonElement element, string name, bool fallback = false) =>
        element.Member(name)?.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => fallback,
        };

    public static string? Text(this JsonElement element, string name) =>
        element.Member(name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    public static JsonElement.ArrayEnumerator Items(this JsonElement element, string name, string path) =>
        element.Required(name, JsonValueKind.Array, path).EnumerateArray();

    public static NotSupportedException Unsupported(string path, string what) =>
        new($"tokenizer.json: '{path}' is {what}, which is not supported");
}
