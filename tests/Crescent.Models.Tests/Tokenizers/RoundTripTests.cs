using System.Text;

namespace Crescent.Models.Tests.Tokenizers;

public sealed class RoundTripTests
{
    private const int Strings = 10_000;

    private static readonly ITokenizer ByteLevel = TestTokenizer.ByteLevel(["t h", "th e", "Ġ the", "a b", "ab c", "Ã ©", "= =", "== =="]);
    private static readonly ITokenizer SentencePieceLike = TestTokenizer.SentencePieceLike(["▁ a", "a b", "ab c", "▁ ▁"]);

    public static TheoryData<string> Kinds => ["byte-level", "SentencePiece"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void DecodingGivesTheTextBack(string kind)
    {
        var random = new Random(2);
        for (var i = 0; i < Strings; i++)
        {
            var text = RandomText.Next(random);

            // SentencePiece writes its own sign for a space, so that sign comes back as a space.
            var expected = kind == "byte-level" ? text : text.Replace('\u2581', ' ');

            Assert.Equal(expected, Decoding.Of(Of(kind), Of(kind).Encode(text, addSpecialTokens: false, parseSpecialTokens: false)));
        }
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void TheIncrementsOfAnyTokensJoinToTheirWholeText(string kind)
    {
        var tokenizer = Of(kind);
        var random = new Random(3);
        for (var i = 0; i < Strings; i++)
        {
            var ids = Enumerable.Range(0, random.Next(1, 30)).Select(_ => random.Next(tokenizer.VocabularySize)).ToArray();
            var whole = Encoding.UTF8.GetString(ids.SelectMany(id => tokenizer.GetBytes(id).ToArray()).ToArray());
            if (kind == "SentencePiece" && whole.StartsWith(' '))
            {
                whole = whole[1..];
            }

            Assert.Equal(whole, Decoding.Of(tokenizer, ids));
        }
    }

    [Fact]
    public async Task ConcurrentUseGivesTheSameIds()
    {
        var random = new Random(4);
        var texts = Enumerable.Range(0, 500).Select(_ => RandomText.Next(random)).ToArray();
        var expected = texts.Select(Encode).ToArray();

        var runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => texts.Select(Encode).ToArray())));

        Assert.All(runs, ids => Assert.Equal(expected, ids));
    }

    private static int[] Encode(string text) => ByteLevel.Encode(text, addSpecialTokens: true, parseSpecialTokens: true);

    private static ITokenizer Of(string kind) => kind == "byte-level" ? ByteLevel : SentencePieceLike;
}
