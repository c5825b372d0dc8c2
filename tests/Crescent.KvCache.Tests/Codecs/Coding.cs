using Crescent.KvCache.Codecs;

namespace Crescent.KvCache.Tests.Codecs;

/// <summary>A layer there and back.</summary>
public static class Coding
{
    public static byte[] Encode(IKvCodec codec, KvLayout layout, int layer, byte[] interchange)
    {
        var encoded = new byte[codec.MaxLayerBytes(layout)];
        int length = codec.Encode(layout, layer, interchange, encoded);
        Assert.InRange(length, 1, encoded.Length);
        return encoded[..length];
    }

    public static byte[] Decode(IKvCodec codec, KvLayout layout, int layer, ReadOnlySpan<byte> encoded)
    {
        const byte canary = 0xa5;
        var memory = new byte[layout.LayerBytes + 128];
        Array.Fill(memory, canary);
        try
        {
            codec.Decode(layout, layer, encoded, memory.AsSpan(64..^64));
        }
        finally
        {
            Assert.False(memory.AsSpan(..64).ContainsAnyExcept(canary), "written before the layer");
            Assert.False(memory.AsSpan(^64..).ContainsAnyExcept(canary), "written behind the layer");
        }

        return memory[64..^64];
    }

    public static byte[] ThereAndBack(IKvCodec codec, KvLayout layout, int layer, byte[] interchange) =>
        Decode(codec, layout, layer, Encode(codec, layout, layer, interchange));
}
