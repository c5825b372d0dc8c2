namespace Crescent;

/// <summary>
/// The shape of a block: <see cref="BlockSize"/> positions × all layers × all KV heads, K after RoPE.
/// The interchange layout, used outside the device, is per layer <c>K[kvHead][position][dim]</c>, then V likewise,
/// little-endian in <see cref="Type"/>'s storage.
/// </summary>
/// <param name="Layers">Decoder layers.</param>
/// <param name="KvHeads">KV heads per layer.</param>
/// <param name="HeadDim">Elements per head.</param>
/// <param name="BlockSize">Positions per block: a power of two from 16 to 256.</param>
/// <param name="Type">F32, BF16 or Q8_0 (runs along <paramref name="HeadDim"/>).</param>
public sealed record KvLayout(int Layers, int KvHeads, int HeadDim, int BlockSize, DType Type)
{
    /// <summary>Bytes of one layer of a block: K and V.</summary>
    public long LayerBytes => 2 * Type.RowBytes((long)KvHeads * BlockSize * HeadDim);

    public long BlockBytes => LayerBytes * Layers;
}
