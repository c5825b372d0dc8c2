using System.Text.RegularExpressions;
using Crescent.Models.Tokenizers;

namespace Crescent.Models.Tests.Tokenizers;

public sealed class SplitterTests
{
    private const string Gpt2 = @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

    private const string Llama3 =
        @"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    private const string LlamaCppDefaultPunctuation = @"[\p{P}$+<=>^~|]+";

    // Dense in what the patterns tell apart; all of one UTF-16 unit, which is what .NET's patterns match.
    private const string Alphabet = "aZs tTrReElLvVdDmM''' 0759½Ⅷ  \t\n\r\n.,-=$\u2019\u00a0\u0085\ufeff\u3000é中\u0301א٣\u2028\u200b\0";

    private static readonly int Strings = Environment.GetEnvironmentVariable("CRESCENT_LONG") == "1" ? 200_000 : 20_000;

    public static TheoryData<string, string> Patterns => new()
    {
        { "gpt-2", Gpt2 },
        { "llama-3", Llama3 },
        { "qwen", Llama3.Replace("{1,3}", "", StringComparison.Ordinal) },
        { "punctuation", LlamaCppDefaultPunctuation },
        { "numbers", @"\p{N}+" },
        { "triples", "[0-9][0-9][0-9]" },
    };

    [Theory]
    [MemberData(nameof(Patterns))]
    public void CutsWhereThePatternCuts(string name, string pattern)
    {
        var splitter = Splitter(name);
        var regex = new Regex(pattern, RegexOptions.CultureInvariant);
        var random = new Random(1);
        for (var i = 0; i < Strings; i++)
        {
            var text = string.Create(random.Next(1, 24), random, (span, r) =>
            {
                foreach (ref var c in span)
                {
                    c = r.Next(8) == 0 ? (char)r.Next(0xD800) : Alphabet[r.Next(Alphabet.Length)];
                }
            });

            Assert.Equal(Pieces(regex, text), Pieces(splitter, text));
        }
    }

    [Theory]
    [InlineData("gpt-2")]
    [InlineData("llama-3")]
    public void LettersBeyondTheBasicPlaneAreLetters(string name)
    {
        // Deseret letters, a CJK ideograph of plane 2 and mathematical digits.
        Assert.Equal(["a\U00010400\U00010428", " \U00020000b", "\U0001D7D8\U0001D7D9"], Pieces(Splitter(name), "a\U00010400\U00010428 \U00020000b\U0001D7D8\U0001D7D9"));
    }

    [Fact]
    public void AnEmojiIsNoLetter() => Assert.Equal(["a", "\U0001F600\U0001F600", "b"], Pieces(Splitter("gpt-2"), "a\U0001F600\U0001F600b"));

    [Fact]
    public void DigitsBeyondTheBasicPlaneGroupByCodePoint() =>
        Assert.Equal(["\U0001D7D8\U0001D7D9\U0001D7D8", "\U0001D7D9"], Pieces(Splitter("llama-3"), "\U0001D7D8\U0001D7D9\U0001D7D8\U0001D7D9"));

    [Fact]
    public void MetaspaceBeginsAPieceAtEachReplacement() =>
        Assert.Equal(["a", "\u2581b", "\u2581", "\u2581c"], Pieces(new MetaspaceSplitter('\u2581'), "a\u2581b\u2581\u2581c"));

    private static TextSplitter Splitter(string name) => name switch
    {
        "gpt-2" => new Gpt2Splitter(),
        "llama-3" => new Llama3Splitter(digits: 3),
        "qwen" => new Llama3Splitter(digits: 1),
        "punctuation" => new PunctuationSplitter(),
        "numbers" => new NumberSplitter(),
        _ => new DigitTripleSplitter(),
    };

    private static List<string> Pieces(TextSplitter splitter, string text)
    {
        var pieces = new List<string>();
        for (var start = 0; start < text.Length;)
        {
            var end = splitter.Next(text, start);
            pieces.Add(text[start..end]);
            start = end;
        }

        return pieces;
    }

    private static List<string> Pieces(Regex regex, string text)
    {
        var pieces = new List<string>();
        var end = 0;
        foreach (Match match in regex.Matches(text))
        {
            pieces.Add(text[end..match.Index]);
            pieces.Add(match.Value);
            end = match.Index + match.Length;
        }

        pieces.Add(text[end..]);
        return pieces.FindAll(p => p.Length > 0);
    }
}
