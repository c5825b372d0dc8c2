using System.Text;
using Crescent.Models.Tokenizers;

namespace Crescent.Models.Tests.Tokenizers;

public sealed class NfcTests
{
    [Theory]
    [InlineData("e\u0301", "\u00e9")]
    [InlineData("\u212b", "\u00c5")]
    [InlineData("s\u0307\u0323", "\u1e69")]
    [InlineData("\u1100\u1161\u11a8", "\uac01")]
    [InlineData("\uac00\u11a8", "\uac01")]
    [InlineData("\u0958", "\u0915\u093c")]
    [InlineData("\ufb1d", "\u05d9\u05b4")]
    [InlineData("a\u0300\u0316\u0301", "\u00e0\u0316\u0301")]
    [InlineData("\u0301e", "\u0301e")]
    [InlineData("\ud834\udd5e", "\ud834\udd57\ud834\udd65")]
    public void ComposesAndOrders(string text, string expected) => Assert.Equal(expected, Nfc.Normalize(text));

    [Fact]
    public void AnUnpairedSurrogateIsReplaced() => Assert.Equal("x\ufffd\u0301", Nfc.Normalize("x\ud800\u0301"));

    [Fact]
    public void QuickCheckNeverPassesWhatNormalizingChanges()
    {
        for (var c = 0; c <= 0x10FFFF; c++)
        {
            if (Rune.IsValid(c))
            {
                var text = "a" + new Rune(c);
                Assert.True(!Nfc.IsNormalized(text) || Nfc.Normalize(text) == text, $"U+{c:X}");
            }
        }
    }

    [Fact]
    public void ALongRunOfMarksIsOrderedStablyAndNotQuadratically()
    {
        // 0316 has a lower class than 0301: all of them come first. One million is hours for an insertion sort.
        var marks = string.Concat(Enumerable.Repeat("\u0301\u0316", 500_000));

        var normal = Nfc.Normalize("q" + marks);

        Assert.Equal("q" + new string('\u0316', 500_000) + new string('\u0301', 500_000), normal);
    }

    [VectorFact]
    public void NormalizesAsTheReferenceDoes()
    {
        var gap = new UnicodeGap();
        foreach (var vector in Vectors.Read<NfcVector>("nfc.jsonl"))
        {
            var text = Vectors.Text(vector.Utf16);
            var expected = Vectors.Text(vector.Nfc);
            if (gap.IsIn(text))
            {
                continue;
            }

            var codes = string.Join(' ', text.EnumerateRunes().Select(r => r.Value.ToString("X4")));
            Assert.True(expected == Nfc.Normalize(text), codes);
            Assert.True(expected == text || !Nfc.IsNormalized(text), codes);
        }
    }
}
