namespace Crescent.Models.Tests.Tokenizers;

public sealed class TokenDecoderTests
{
    private static readonly ITokenizer Bytes = TestTokenizer.ByteLevel([]);
    private static readonly ITokenizer Pieces = TestTokenizer.SentencePieceLike(["▁ a", "▁ b", "▁ ▁"]);

    [Fact]
    public void ACharacterAppearsWithItsLastByte()
    {
        Assert.Equal(["", "", "", "😀", ""], Increments(Bytes, 0xF0, 0x9F, 0x98, 0x80));
    }

    [Fact]
    public void AnInvalidByteIsReplacedAsSoonAsItIsCertain()
    {
        // E2 28: the 28 shows that E2 is alone. 80 begins nothing.
        Assert.Equal(["", "\ufffd(", "\ufffd", ""], Increments(Bytes, 0xE2, 0x28, 0x80));
    }

    [Fact]
    public void AnUnfinishedCharacterIsReplacedOnceAtTheEnd()
    {
        Assert.Equal(["", "", "", "\ufffd"], Increments(Bytes, 0xF0, 0x9F, 0x98));
    }

    [Fact]
    public void ASecondFlushGivesNothing()
    {
        var decoder = Bytes.CreateDecoder(skipSpecialTokens: false);
        decoder.Append(0xF0);

        Assert.Equal("\ufffd", decoder.Flush());
        Assert.Equal("", decoder.Flush());
    }

    [Fact]
    public void SpecialTokensAreSkippedOnRequest()
    {
        Assert.Equal("a</s>b", Decoding.Of(Bytes, ['a', TestTokenizer.End, 'b']));
        Assert.Equal("ab", Decoding.Of(Bytes, ['a', TestTokenizer.End, 'b'], skipSpecial: true));
    }

    [Fact]
    public void ASkippedSpecialTokenDoesNotBreakACharacter() =>
        Assert.Equal("é", Decoding.Of(Bytes, [0xC3, TestTokenizer.End, 0xA9], skipSpecial: true));

    [Fact]
    public void TheFirstSpaceOfASentencePieceTextIsStripped()
    {
        var (a, b, spaces) = (Find("▁a"), Find("▁b"), Find("▁▁"));

        Assert.Equal(["a", " b", ""], Increments(Pieces, a, b));
        Assert.Equal([" ", " a", ""], Increments(Pieces, spaces, a));
        Assert.Equal(["", "", "a", ""], Increments(Pieces, Find("▁"), TestTokenizer.Bos, Find("a")));
    }

    [Fact]
    public void ASpecialTokenThatIsShownEndsTheStartOfTheText()
    {
        Assert.Equal("<s> a", Decoding.Of(Pieces, [TestTokenizer.Bos, Find("▁a")]));
        Assert.Equal("a", Decoding.Of(Pieces, [TestTokenizer.Bos, Find("▁a")], skipSpecial: true));
    }

    [Fact]
    public void ByteTokensJoinToCharacters()
    {
        var (first, second) = (Find("<0xC3>"), Find("<0xA9>"));

        Assert.Equal(["", "é", " b", ""], Increments(Pieces, first, second, Find("▁b")));
        Assert.Equal(["", "\ufffd b", ""], Increments(Pieces, first, Find("▁b")));
    }

    [Fact]
    public void AnIdWithoutATokenDecodesToNothing() => Assert.Equal(["", "", ""], Increments(Bytes, 100_000, -1));

    [Fact]
    public void DecodersOfOneTokenizerDoNotDisturbEachOther()
    {
        var one = Bytes.CreateDecoder(skipSpecialTokens: false);
        var other = Bytes.CreateDecoder(skipSpecialTokens: false);
        one.Append(0xC3);

        Assert.Equal("a", other.Append('a'));
        Assert.Equal("\ufffd", one.Flush());
    }

    private static int Find(string token) => Pieces.FindToken(token)!.Value;

    /// <summary>One text per token, with specials skipped, and then the flush.</summary>
    private static List<string> Increments(ITokenizer tokenizer, params int[] ids)
    {
        var decoder = tokenizer.CreateDecoder(skipSpecialTokens: true);
        var texts = ids.Select(decoder.Append).ToList();
        texts.Add(decoder.Flush());
        return texts;
    }
}
