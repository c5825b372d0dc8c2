namespace Crescent.KvCache.Codecs;

/// <summary>
/// Encodes one layer of one block from the interchange layout of <see cref="KvLayout"/> and back. A pure function of its
/// arguments, the same bits on every processor; safe for concurrent use.
/// </summary>
public interface IKvCodec
{
    /// <summary>What an operator asks for.</summary>
    string Name { get; }

    /// <summary>
    /// What a tier's key and record name: the codec with its parameters and the version of its format. Another id for every
    /// change of the bytes, or of the values that come back.
    /// </summary>
    string EncodingId { get; }

    /// <summary>Whether every bit pattern comes back, those of NaN included.</summary>
    bool Lossless { get; }

    /// <summary>
    /// The declared error: a value comes back no further from its original than this share of the largest magnitude among
    /// the layer's K (for a K) or V (for a V), or than <see cref="KvCodecs.TinyError"/> where that is more. Includes the
    /// rounding to the layout's type. 0 if lossless. A layer that has a value which is not finite, or a magnitude of 2¹⁰⁰ or
    /// more, comes back bit for bit.
    /// </summary>
    double DeclaredError(KvLayout layout, int layer);

    /// <summary>Room that <see cref="Encode"/> may need.</summary>
    int MaxLayerBytes(KvLayout layout);

    /// <summary>Returns the bytes used of <paramref name="encoded"/>.</summary>
    /// <param name="interchange">Exactly the layout's <see cref="KvLayout.LayerBytes"/>.</param>
    /// <param name="encoded">At least <see cref="MaxLayerBytes"/>; what is not used may be overwritten too.</param>
    int Encode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> encoded);

    /// <param name="encoded">Exactly what <see cref="Encode"/> used.</param>
    /// <param name="interchange">Exactly the layout's <see cref="KvLayout.LayerBytes"/>; of any content after an exception.</param>
    /// <exception cref="InvalidDataException">
    /// These bytes are no such layer. Damage that this does not notice gives other values: records carry a checksum.
    /// </exception>
    void Decode(KvLayout layout, int layer, ReadOnlySpan<byte> encoded, Span<byte> interchange);
}
