using System.Globalization;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// What a split pattern can tell apart. Code points that .NET's Unicode tables do not know yet are
/// <see cref="Other"/>, as unassigned ones are in every reference.
/// </summary>
internal enum CharKind : byte
{
    Other,

    /// <summary><c>\p{L}</c></summary>
    Letter,

    /// <summary><c>\p{N}</c></summary>
    Number,

    /// <summary><c>\s</c> without the two below: the White_Space property, so U+0085 is in and U+FEFF is not.</summary>
    Space,

    /// <summary>Carriage return and line feed; also <c>\s</c>.</summary>
    LineBreak,
}

internal static class CharKinds
{
    private static readonly CharKind[] Bmp = BuildBmp();

    /// <summary>The kind of the code point at <paramref name="index"/>; an unpaired surrogate is <see cref="CharKind.Other"/>, as U+FFFD is.</summary>
    /// <param name="length">UTF-16 units the code point takes: 1 or 2.</param>
    public static CharKind At(ReadOnlySpan<char> text, int index, out int length)
    {
        var c = text[index];
        length = 1;
        if (!char.IsHighSurrogate(c) || index + 1 == text.Length || !char.IsLowSurrogate(text[index + 1]))
        {
            return Bmp[c];
        }

        length = 2;
        return Of(char.ConvertToUtf32(c, text[index + 1]));
    }

    public static bool IsSpace(this CharKind kind) => kind >= CharKind.Space;

    /// <summary>The end of the run of <paramref name="kind"/> that starts at <paramref name="index"/>, at most <paramref name="most"/> code points long.</summary>
    public static int EndOfRun(ReadOnlySpan<char> text, int index, CharKind kind, int most = int.MaxValue)
    {
        for (; most > 0 && index < text.Length && At(text, index, out var length) == kind; most--)
        {
            index += length;
        }

        return index;
    }

    private static CharKind Of(int codePoint) => CharUnicodeInfo.GetUnicodeCategory(codePoint) switch
    {
        <= UnicodeCategory.OtherLetter => CharKind.Letter,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharKind.Number,
        _ => CharKind.Other,
    };

    private static CharKind[] BuildBmp()
    {
        var kinds = new CharKind[char.MaxValue + 1];
        for (var c = 0; c < kinds.Length; c++)
        {
            kinds[c] = char.IsWhiteSpace((char)c) ? CharKind.Space : Of(c);
        }

        kinds['\r'] = CharKind.LineBreak;
        kinds['\n'] = CharKind.LineBreak;
        return kinds;
    }
}
