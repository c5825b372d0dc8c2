using System.Globalization;

namespace Crescent.Models.Tokenizers;

/// <summary>SentencePiece's spelling of spaces and of bytes.</summary>
internal static class SentencePiece
{
    public const char Space = '\u2581';

    /// <summary>The byte that a token such as <c>&lt;0x0A&gt;</c> stands for, or null.</summary>
    public static byte? ByteOf(string token) =>
        token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>'
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : null;

    /// <summary>The token of every byte; -1 for one without.</summary>
    public static int[] ByteTokens(Dictionary<string, int> vocabulary)
    {
        var tokens = new int[256];
        for (var b = 0; b < 256; b++)
        {
            var spelling = string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>");
            tokens[b] = vocabulary.TryGetValue(spelling, out var id) ? id : -1;
        }

        return tokens;
    }
}
