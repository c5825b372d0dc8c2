namespace Crescent.Models.Weights;

/// <summary>The values of <see cref="DecoderConfig.Architecture"/>.</summary>
internal static class Architectures
{
    public const string Llama = "llama";
    public const string Qwen3 = "qwen3";

    public static ModelFormatException Unsupported(string file, string name) =>
        new(file, $"architecture '{name}' is not supported ({Llama} and {Qwen3} are)");
}
