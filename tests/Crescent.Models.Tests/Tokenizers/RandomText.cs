using System.Text;

namespace Crescent.Models.Tests.Tokenizers;

internal static class RandomText
{
    private static readonly string[] Parts =
    [
        " ", "  ", "\n", "\t", "a", "abc", "the", "Hello", "'s", "'LL", "123", "é", "e\u0301", "中文", "한국어", "שלום", "नमस्ते",
        "😀", "👩‍👩‍👧‍👦", "\u2581", "<s>", "</s>", "<0x41>", "\ufffd", "\0", "\u200b", "=====",
    ];

    /// <summary>Words, scripts, specials and any code points; no unpaired surrogates.</summary>
    public static string Next(Random random)
    {
        var text = new StringBuilder();
        for (var left = random.Next(12); left > 0; left--)
        {
            if (random.Next(4) > 0)
            {
                text.Append(Parts[random.Next(Parts.Length)]);
                continue;
            }

            var codePoint = random.Next(0x110000);
            text.Append(Rune.IsValid(codePoint) ? new Rune(codePoint) : Rune.ReplacementChar);
        }

        return text.ToString();
    }
}
