namespace Crescent.KvCache.Codecs;

/// <summary>The codecs there are.</summary>
public static class KvCodecs
{
    /// <summary>An error that every lossy codec may make: 2⁻¹⁰⁰.</summary>
    public const double TinyError = 1.0 / (1L << 50) / (1L << 50);

    /// <summary>Largest encodings first.</summary>
    public static IReadOnlyList<IKvCodec> All { get; } =
    [
        new RawCodec(),
        new ExponentCodec(),
        new IntegerCodec(bits: 8),
        new IntegerCodec(bits: 4),
        new DeltaCodec(),
    ];

    /// <summary>The codec of that name, or null.</summary>
    public static IKvCodec? Find(string name) => All.FirstOrDefault(codec => codec.Name == name);

    /// <summary>Elements of K, and as many of V, in one layer of a block.</summary>
    internal static int HalfElements(KvLayout layout) => checked(layout.KvHeads * layout.BlockSize * layout.HeadDim);

    internal static void CheckLayer(KvLayout layout, ReadOnlySpan<byte> interchange)
    {
        if (interchange.Length != layout.LayerBytes)
        {
            throw new ArgumentException($"a layer has {layout.LayerBytes} bytes, not {interchange.Length}", nameof(interchange));
        }
    }
}
