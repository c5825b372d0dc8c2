using Crescent.KvCache.Codecs;

namespace Crescent.KvCache.Tests.Codecs;

public sealed class SizeTests
{
    /// <summary>Of BF16, with everything a layer is stored with.</summary>
    [Theory]
    [InlineData("raw", 1)]
    [InlineData("exponents", 0.75)]
    [InlineData("int8", 0.53)]
    [InlineData("int4", 0.28)]
    [InlineData("delta", 0.28)]
    public void AnEncodingIsAsSmallAsItShouldBe(string name, double ratio)
    {
        foreach (var layout in LayerSample.Layouts.Where(layout => layout.BlockSize == 64))
        {
            byte[] layer = LayerSample.Create(layout, "like KV");
            double elements = layout.KvHeads * layout.HeadDim * 64 * 2;
            int length = Coding.Encode(KvCodecs.Find(name)!, layout, 3, layer).Length;

            // The lower half of an F32 stays with the lossless ones.
            double kept = layout.Type == DType.F32 && KvCodecs.Find(name)!.Lossless ? 2 * elements : 0;
            Assert.InRange(length - kept, 1, 2 * elements * ratio);
        }
    }

    [Fact]
    public void EarlyLayersAreFiner()
    {
        var layout = LayerSample.Layouts[0];
        byte[] layer = LayerSample.Create(layout, "like KV");
        int[] lengths = [.. Enumerable.Range(0, layout.Layers).Select(i => Coding.Encode(new DeltaCodec(), layout, i, layer).Length)];

        Assert.Equal([lengths[0], lengths[0], lengths[2], lengths[2], lengths[5], lengths[5]], lengths);
        Assert.True(lengths[0] > lengths[2] && lengths[2] > lengths[5]);
    }

    /// <summary>A few values that do not fit cost a few bytes, not the layer.</summary>
    [Theory]
    [InlineData("one outlier")]
    [InlineData("outlier channels")]
    [InlineData("sinks")]
    [InlineData("constant")]
    [InlineData("zero")]
    public void OutliersDoNotBlowUpDifferences(string kind)
    {
        var layout = LayerSample.Layouts[0];

        Assert.InRange(Coding.Encode(new DeltaCodec(), layout, 0, LayerSample.Create(layout, kind)).Length, 1, layout.LayerBytes * 0.4);
    }

    [Fact]
    public void WhatGainsNothingIsKeptAsItIs()
    {
        var layout = LayerSample.Layouts[0];
        byte[] noise = LayerSample.Create(layout, "random bits");

        Assert.All(KvCodecs.All, codec => Assert.InRange(Coding.Encode(codec, layout, 0, noise).Length, 1, noise.Length + 1));
    }
}
