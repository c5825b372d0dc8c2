namespace Crescent.Models.Tokenizers;

/// <summary>Rewrites a text before it is cut into pieces.</summary>
internal abstract class TextNormalizer
{
    /// <summary>The rewritten text, or null when it stays as it is. Never called with an empty text.</summary>
    public abstract string? Apply(ReadOnlySpan<char> text);

    public string Apply(string text) => text.Length == 0 ? text : Apply(text.AsSpan()) ?? text;
}

/// <summary>Unicode's composed form.</summary>
internal sealed class NfcNormalizer : TextNormalizer
{
    public override string? Apply(ReadOnlySpan<char> text) => Nfc.IsNormalized(text) ? null : Nfc.Normalize(text);
}

internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string? Apply(ReadOnlySpan<char> text) => string.Concat(prefix, text);
}

internal sealed class ReplaceNormalizer(string pattern, string content) : TextNormalizer
{
    public override string? Apply(ReadOnlySpan<char> text) =>
        text.Contains(pattern, StringComparison.Ordinal) ? text.ToString().Replace(pattern, content, StringComparison.Ordinal) : null;
}

internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> steps) : TextNormalizer
{
    public override string? Apply(ReadOnlySpan<char> text)
    {
        string? result = null;
        foreach (var step in steps)
        {
            result = step.Apply(result ?? text) ?? result;
            if (result is "")
            {
                break;
            }
        }

        return result;
    }
}
