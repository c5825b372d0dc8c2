using Crescent.KvCache.Codecs.Rans;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// What the codecs that make a layer smaller share. An encoded layer is one byte that tells its form, then the layer coded, or
/// as it is: where coding refuses it or gains nothing, and in Q8_0, which is small already.
/// </summary>
public abstract class CompressingCodec : IKvCodec
{
    private const byte AsItIs = 0;
    private const byte Coded = 1;

    public abstract string Name { get; }

    public abstract string EncodingId { get; }

    public abstract bool Lossless { get; }

    public abstract double DeclaredError(KvLayout layout, int layer);

    public int MaxLayerBytes(KvLayout layout) => checked((int)layout.LayerBytes + 1);

    public int Encode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> encoded)
    {
        KvCodecs.CheckLayer(layout, interchange);
        ArgumentOutOfRangeException.ThrowIfLessThan(encoded.Length, MaxLayerBytes(layout));
        var room = encoded.Slice(1, interchange.Length);
        if (CanCode(layout) && TryEncode(layout, layer, interchange, room, out int length))
        {
            encoded[0] = Coded;
            return 1 + length;
        }

        encoded[0] = AsItIs;
        interchange.CopyTo(room);
        return 1 + interchange.Length;
    }

    public void Decode(KvLayout layout, int layer, ReadOnlySpan<byte> encoded, Span<byte> interchange)
    {
        KvCodecs.CheckLayer(layout, interchange);
        if (encoded is [AsItIs, .. var raw] && raw.Length == interchange.Length)
        {
            raw.CopyTo(interchange);
        }
        else if (encoded is [Coded, .. var coded] && CanCode(layout))
        {
            DecodeCoded(layout, layer, coded, interchange);
        }
        else
        {
            throw new InvalidDataException($"{encoded.Length} bytes are not a layer in the encoding {EncodingId}");
        }
    }

    /// <summary>Whether a head's elements are whole steps of the kernels.</summary>
    private static bool CanCode(KvLayout layout) =>
        layout.Type is DType.F32 or DType.BF16 && layout.BlockSize % RansDecoder.Lanes == 0;

    /// <summary>Whether the layer, of F32 or BF16, was coded into the room, which is as large as the layer.</summary>
    private protected abstract bool TryEncode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> room, out int length);

    /// <exception cref="InvalidDataException">These bytes are no such layer.</exception>
    private protected abstract void DecodeCoded(KvLayout layout, int layer, ReadOnlySpan<byte> coded, Span<byte> interchange);
}
