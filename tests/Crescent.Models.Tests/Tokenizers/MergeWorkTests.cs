using Crescent.Models.Tokenizers;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>Work is counted, not timed: queue operations per symbol stay below one bound whatever the length.</summary>
public sealed class MergeWorkTests
{
    private const int StepsPerSymbol = 6;

    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData(" ")]
    [InlineData("\n")]
    [InlineData("aab")]
    [InlineData("é")]
    public void StepsAreLinearInTheLengthOfOnePiece(string unit)
    {
        var tokenizer = (BpeTokenizer)TestTokenizer.ByteLevel(
            ["a a", "aa aa", "aaaa aaaa", "a b", "ab ab", "abab abab", "Ġ Ġ", "ĠĠ ĠĠ", "Ċ Ċ", "ĊĊ Ċ", "Ã ©", "Ã© Ã©"]);
        foreach (var length in (int[])[1_000, 30_000, 1_000_000])
        {
            using var workspace = new BpeWorkspace();
            var text = string.Concat(Enumerable.Repeat(unit, length / unit.Length));
            tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: true, workspace);
            Assert.InRange(workspace.Steps, 1, StepsPerSymbol * 2L * length);
        }
    }

    [Fact]
    public void TenMegabytesOfOneLetterEncode()
    {
        var tokenizer = TestTokenizer.ByteLevel(["a a", "aa aa", "aaaa aaaa"]);

        var ids = tokenizer.Encode(new string('a', 10_000_000), addSpecialTokens: false, parseSpecialTokens: false);

        Assert.Equal(10_000_000 / 8, ids.Length);
    }

    [Fact]
    public void TenMegabytesOfSpacesEncodeWithoutPreTokenizer()
    {
        var tokenizer = TestTokenizer.SentencePieceLike(["▁ ▁", "▁▁ ▁▁"]);

        var ids = tokenizer.Encode(new string(' ', 9_999_999), addSpecialTokens: false, parseSpecialTokens: false);

        Assert.Equal(10_000_000 / 4, ids.Length);
    }

    [Fact]
    public void BeginningsOfSpecialTokensCostNoMoreThanText()
    {
        var tokenizer = TestTokenizer.ByteLevel([]);

        var ids = tokenizer.Encode(string.Concat(Enumerable.Repeat("</", 500_000)), addSpecialTokens: false, parseSpecialTokens: true);

        Assert.Equal(1_000_000, ids.Length);
    }
}
