using System.Text;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// Cuts a text into the pieces that merges never cross: a regular expression of a tokenizer file, written as a
/// scanner that reads code points and looks at each a bounded number of times.
/// </summary>
internal abstract class TextSplitter
{
    /// <summary>The end of the piece that begins at <paramref name="start"/>; always beyond it.</summary>
    public abstract int Next(ReadOnlySpan<char> text, int start);

    /// <summary>
    /// The length of an English contraction (<c>'s 't 're 've 'm 'll 'd</c>) at <paramref name="start"/>, or 0.
    /// </summary>
    protected static int Contraction(ReadOnlySpan<char> text, int start, bool ignoreCase)
    {
        if (text[start] != '\'' || start + 1 == text.Length)
        {
            return 0;
        }

        var first = Fold(text[start + 1], ignoreCase);
        if (first is 's' or 't' or 'm' or 'd')
        {
            return 2;
        }

        var second = start + 2 < text.Length ? Fold(text[start + 2], ignoreCase) : '\0';
        return (first, second) is ('r', 'e') or ('v', 'e') or ('l', 'l') ? 3 : 0;
    }

    /// <summary>
    /// <c>\s+(?!\S)|\s+</c> at a white space: the whole run at the end of the text, else all but its last character,
    /// else (a single one) that.
    /// </summary>
    protected static int WhiteSpace(int start, int endOfRun, int textLength) =>
        endOfRun == textLength || endOfRun - start == 1 ? endOfRun : endOfRun - 1;

    private static char Fold(char c, bool ignoreCase) => ignoreCase && char.IsAsciiLetterUpper(c) ? (char)(c | 0x20) : c;
}

/// <summary>
/// GPT-2: <c>'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class Gpt2Splitter : TextSplitter
{
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var contraction = Contraction(text, start, ignoreCase: false);
        if (contraction > 0)
        {
            return start + contraction;
        }

        var body = text[start] == ' ' && start + 1 < text.Length ? start + 1 : start;
        var kind = CharKinds.At(text, body, out _);
        if (!kind.IsSpace())
        {
            return CharKinds.EndOfRun(text, body, kind);
        }

        var end = start;
        while (end < text.Length && CharKinds.At(text, end, out _).IsSpace())
        {
            end++;
        }

        return WhiteSpace(start, end, text.Length);
    }
}

/// <summary>
/// Llama-3 (three digits) and Qwen 2 and 3 (one digit): <c>(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|
/// \p{N}{1,digits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+</c>.
/// </summary>
internal sealed class Llama3Splitter(int digits) : TextSplitter
{
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var contraction = Contraction(text, start, ignoreCase: true);
        if (contraction > 0)
        {
            return start + contraction;
        }

        var kind = CharKinds.At(text, start, out var length);
        if (kind is CharKind.Letter)
        {
            return CharKinds.EndOfRun(text, start, CharKind.Letter);
        }

        if (kind is CharKind.Number)
        {
            return CharKinds.EndOfRun(text, start, CharKind.Number, digits);
        }

        var second = start + length;
        var secondKind = second < text.Length ? CharKinds.At(text, second, out _) : CharKind.LineBreak;
        if (secondKind is CharKind.Letter && kind is not CharKind.LineBreak)
        {
            return CharKinds.EndOfRun(text, second, CharKind.Letter);
        }

        if (kind is CharKind.Other || (text[start] == ' ' && secondKind is CharKind.Other))
        {
            var end = CharKinds.EndOfRun(text, kind is CharKind.Other ? start : second, CharKind.Other);
            return CharKinds.EndOfRun(text, end, CharKind.LineBreak);
        }

        return Blank(text, start);
    }

    /// <summary><c>\s*[\r\n]+|\s+(?!\S)|\s+</c>: up to the run's last line break if it has one.</summary>
    private static int Blank(ReadOnlySpan<char> text, int start)
    {
        var afterBreak = start;
        var end = start;
        for (; end < text.Length; end++)
        {
            var kind = CharKinds.At(text, end, out _);
            if (!kind.IsSpace())
            {
                break;
            }

            if (kind is CharKind.LineBreak)
            {
                afterBreak = end + 1;
            }
        }

        return afterBreak > start ? afterBreak : WhiteSpace(start, end, text.Length);
    }
}

/// <summary>Metaspace with <c>split</c>: a piece begins at each replacement character.</summary>
internal sealed class MetaspaceSplitter(char replacement) : TextSplitter
{
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var next = text[(start + 1)..].IndexOf(replacement);
        return next < 0 ? text.Length : start + 1 + next;
    }
}

/// <summary>Cuts out the matches of a pattern; what lies between two matches is one piece.</summary>
internal abstract class MatchSplitter : TextSplitter
{
    public override int Next(ReadOnlySpan<char> text, int start)
    {
        var end = MatchEnd(text, start);
        if (end > start)
        {
            return end;
        }

        do
        {
            CharKinds.At(text, end, out var length);
            end += length;
        }
        while (end < text.Length && MatchEnd(text, end) == end);
        return end;
    }

    /// <summary>The end of the match at <paramref name="start"/>, or <paramref name="start"/> when there is none.</summary>
    protected abstract int MatchEnd(ReadOnlySpan<char> text, int start);
}

/// <summary><c>[\p{P}$+&lt;=&gt;^~|]+</c></summary>
internal sealed class PunctuationSplitter : MatchSplitter
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int start)
    {
        var end = start;
        while (end < text.Length)
        {
            Rune.DecodeFromUtf16(text[end..], out var rune, out var consumed);
            if (!Rune.IsPunctuation(rune) && !"$+<=>^~|".Contains((char)Math.Min(rune.Value, char.MaxValue)))
            {
                break;
            }

            end += consumed;
        }

        return end;
    }
}

/// <summary><c>\p{N}+</c></summary>
internal sealed class NumberSplitter : MatchSplitter
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int start) => CharKinds.EndOfRun(text, start, CharKind.Number);
}

/// <summary><c>[0-9][0-9][0-9]</c></summary>
internal sealed class DigitTripleSplitter : MatchSplitter
{
    protected override int MatchEnd(ReadOnlySpan<char> text, int start) =>
        text.Length - start >= 3 && !text.Slice(start, 3).ContainsAnyExceptInRange('0', '9') ? start + 3 : start;
}
