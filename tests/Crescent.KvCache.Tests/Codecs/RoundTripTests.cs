using System.Runtime.InteropServices;
using Crescent.KvCache.Codecs;

namespace Crescent.KvCache.Tests.Codecs;

public sealed class RoundTripTests
{
    public static TheoryData<KvLayout, string> Layers => LayerSample.All;

    public static TheoryData<KvLayout, string> FiniteLayers => LayerSample.AllFinite;

    public static TheoryData<KvLayout, string> LayersNotQuantised => LayerSample.AllNotQuantised;

    [Theory]
    [MemberData(nameof(Layers))]
    public void LosslessCodecsGiveBackEveryBit(KvLayout layout, string kind)
    {
        byte[] layer = LayerSample.Create(layout, kind);
        foreach (var codec in KvCodecs.All.Where(codec => codec.Lossless))
        {
            Assert.Equal(layer, Coding.ThereAndBack(codec, layout, 0, layer));
            Assert.Equal(0, codec.DeclaredError(layout, 0));
        }
    }

    [Fact]
    public void ExponentsGiveBackEveryPatternOfBF16()
    {
        var layout = new KvLayout(1, 1, 128, 256, DType.BF16);
        byte[] layer = MemoryMarshal.AsBytes(Enumerable.Range(0, 1 << 16).Select(i => (ushort)i).ToArray().AsSpan()).ToArray();
        byte[] rare = LayerSample.Create(layout, "like KV");
        layer.AsSpan(..256).CopyTo(rare);
        layer.AsSpan(^256..).CopyTo(rare.AsSpan(^256..));

        Assert.Equal(layer, Coding.ThereAndBack(new ExponentCodec(), layout, 0, layer));
        Assert.Equal(rare, Coding.ThereAndBack(new ExponentCodec(), layout, 0, rare));
        Assert.InRange(Coding.Encode(new ExponentCodec(), layout, 0, rare).Length, 1, layer.Length * 0.8);
    }

    [Theory]
    [MemberData(nameof(FiniteLayers))]
    public void LossyCodecsKeepToTheErrorTheyDeclare(KvLayout layout, string kind)
    {
        for (int layer = 0; layer < layout.Layers; layer++)
        {
            byte[] interchange = LayerSample.Create(layout, kind, seed: layer + 1);
            foreach (var codec in KvCodecs.All.Where(codec => !codec.Lossless))
            {
                float[] expected = LayerSample.Values(layout, interchange);
                float[] actual = LayerSample.Values(layout, Coding.ThereAndBack(codec, layout, layer, interchange));
                for (int half = 0; half < 2; half++)
                {
                    var range = (half * expected.Length / 2)..((half + 1) * expected.Length / 2);
                    AssertWithin(expected[range], actual[range], codec.DeclaredError(layout, layer), codec.Name);
                }
            }
        }
    }

    /// <summary>An outlier costs the precision of those it shares a step with, and of no others.</summary>
    [Theory]
    [InlineData(8, 0.0081)]
    [InlineData(4, 0.08)]
    public void IntegersAreAsFineAsTheirChannelOrToken(int bits, double share)
    {
        var layout = new KvLayout(1, 2, 32, 64, DType.BF16);
        byte[] layer = LayerSample.Create(layout, "outlier channels");
        float[] expected = LayerSample.Values(layout, layer);
        float[] actual = LayerSample.Values(layout, Coding.ThereAndBack(new IntegerCodec(bits), layout, 0, layer));
        var groups = Enumerable.Range(0, expected.Length).GroupBy(i => i < expected.Length / 2
            ? (Head: i / (64 * 32), Line: i % 32)
            : (Head: i / (64 * 32), Line: i / 32 % 64));

        Assert.Equal((2 * 32) + (2 * 64), groups.Count());
        foreach (var group in groups)
        {
            AssertWithin([.. group.Select(i => expected[i])], [.. group.Select(i => actual[i])], share, $"{group.Key}");
        }
    }

    [Theory]
    [MemberData(nameof(LayersNotQuantised))]
    public void WhatCannotBeQuantisedComesBackBitForBit(KvLayout layout, string kind)
    {
        byte[] layer = LayerSample.Create(layout, kind);

        Assert.All(KvCodecs.All, codec => Assert.Equal(layer, Coding.ThereAndBack(codec, layout, 0, layer)));
    }

    [Fact]
    public void Q8IsKeptAsItIs()
    {
        var layout = new KvLayout(2, 2, 32, 16, DType.Q8_0);
        var layer = new byte[layout.LayerBytes];
        new Random(1).NextBytes(layer);

        Assert.All(KvCodecs.All, codec => Assert.Equal(layer, Coding.ThereAndBack(codec, layout, 1, layer)));
    }

    [Fact]
    public void ALayerOfAnotherSizeIsRefused()
    {
        var layout = LayerSample.Layouts[0];
        foreach (var codec in KvCodecs.All)
        {
            var encoded = new byte[codec.MaxLayerBytes(layout)];
            Assert.Throws<ArgumentException>(() => codec.Encode(layout, 0, new byte[layout.LayerBytes - 2], encoded));
            Assert.Throws<ArgumentException>(() => codec.Decode(layout, 0, encoded, new byte[layout.LayerBytes + 2]));
            Assert.ThrowsAny<ArgumentException>(() => codec.Encode(layout, 0, new byte[layout.LayerBytes], encoded.AsSpan(1)));
        }
    }

    [Fact]
    public void CodecsAreFoundByName()
    {
        Assert.All(KvCodecs.All, codec => Assert.Same(codec, KvCodecs.Find(codec.Name)));
        Assert.Null(KvCodecs.Find("zip"));
        Assert.Equal(KvCodecs.All.Count, KvCodecs.All.Select(codec => codec.EncodingId).Distinct().Count());
    }

    private static void AssertWithin(float[] expected, float[] actual, double share, string what)
    {
        double bound = Math.Max(share * expected.Max(Math.Abs), KvCodecs.TinyError);
        for (int i = 0; i < expected.Length; i++)
        {
            double error = Math.Abs((double)expected[i] - actual[i]);
            Assert.True(error <= bound, $"{what}: {actual[i]} for {expected[i]}, further than {bound}");
        }
    }
}
