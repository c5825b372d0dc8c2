namespace Crescent.KvCache.Codecs;

/// <summary>The interchange layout as it is.</summary>
public sealed class RawCodec : IKvCodec
{
    public string Name => "raw";

    public string EncodingId => "raw/1";

    public bool Lossless => true;

    public double DeclaredError(KvLayout layout, int layer) => 0;

    public int MaxLayerBytes(KvLayout layout) => checked((int)layout.LayerBytes);

    public int Encode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> encoded)
    {
        KvCodecs.CheckLayer(layout, interchange);
        interchange.CopyTo(encoded);
        return interchange.Length;
    }

    public void Decode(KvLayout layout, int layer, ReadOnlySpan<byte> encoded, Span<byte> interchange)
    {
        KvCodecs.CheckLayer(layout, interchange);
        if (encoded.Length != interchange.Length)
        {
            throw new InvalidDataException($"a layer has {interchange.Length} bytes, not {encoded.Length}");
        }

        encoded.CopyTo(interchange);
    }
}
