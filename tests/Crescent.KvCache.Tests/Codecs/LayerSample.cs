using System.Runtime.InteropServices;

namespace Crescent.KvCache.Tests.Codecs;

/// <summary>Layers of blocks to encode.</summary>
public static class LayerSample
{
    /// <summary>Head sizes that are, contain and do not divide the kernels' steps, in blocks of every size.</summary>
    public static readonly KvLayout[] Layouts =
    [
        new(6, 2, 32, 64, DType.BF16),
        new(6, 4, 8, 64, DType.BF16),
        new(6, 1, 128, 16, DType.BF16),
        new(6, 3, 20, 32, DType.BF16),
        new(6, 2, 7, 16, DType.BF16),
        new(1, 1, 64, 256, DType.BF16),
        new(6, 2, 32, 64, DType.F32),
        new(6, 4, 8, 16, DType.F32),
        new(2, 3, 5, 16, DType.F32),
    ];

    public static readonly string[] Finite =
    [
        "like KV", "even", "constant", "zero", "constant channels", "one outlier", "outlier channels", "sinks", "denormal", "tiny", "large", "signed zeros",
    ];

    public static readonly string[] NotQuantised = ["a NaN", "infinities", "random bits", "too large"];

    public static TheoryData<KvLayout, string> All => Cross([.. Finite, .. NotQuantised]);

    public static TheoryData<KvLayout, string> AllFinite => Cross(Finite);

    public static TheoryData<KvLayout, string> AllNotQuantised => Cross(NotQuantised);

    /// <summary>A layer in the interchange layout.</summary>
    public static byte[] Create(KvLayout layout, string kind, int seed = 1)
    {
        var random = new Random(seed);
        var layer = new byte[layout.LayerBytes];
        if (kind == "random bits")
        {
            random.NextBytes(layer);
            return layer;
        }

        int half = layout.KvHeads * layout.BlockSize * layout.HeadDim;
        var channels = Enumerable.Range(0, 2 * layout.KvHeads * layout.HeadDim)
            .Select(_ => (Mean: 2 * Gauss(random), Spread: Math.Exp(Gauss(random)))).ToArray();
        for (int i = 0; i < 2 * half; i++)
        {
            int dim = i % layout.HeadDim;
            int position = i / layout.HeadDim % layout.BlockSize;
            int channel = (i / (layout.HeadDim * layout.BlockSize) * layout.HeadDim) + dim;
            var (mean, spread) = channels[channel];
            double like = mean + (spread * Gauss(random));
            Write(layout, layer, i, kind switch
            {
                "even" => Gauss(random),
                "constant" => -2.71828,
                "zero" => 0,
                "constant channels" => channel % 3 == 0 ? mean * 100 : like,
                "one outlier" => i == half / 2 ? 30_000 : like,
                "outlier channels" => channel % 11 == 3 ? like * 500 : like,
                "sinks" => position == 0 ? like * 60 : like,
                "denormal" => like * 1e-40,
                "tiny" => like * 1e-31,
                "large" => like * 1e27,
                "signed zeros" => position % 2 == 0 ? -0.0 : 0,
                "a NaN" => i == half + 3 ? double.NaN : like,
                "infinities" => position == 1 ? double.NegativeInfinity : like,
                "too large" => i == 5 ? 3e38 : like,
                _ => like,
            });
        }

        return layer;
    }

    public static float[] Values(KvLayout layout, ReadOnlySpan<byte> layer) => layout.Type == DType.F32
        ? MemoryMarshal.Cast<byte, float>(layer).ToArray()
        : Array.ConvertAll(MemoryMarshal.Cast<byte, ushort>(layer).ToArray(), bits => BitConverter.UInt32BitsToSingle((uint)bits << 16));

    private static void Write(KvLayout layout, Span<byte> layer, int index, double value)
    {
        if (layout.Type == DType.F32)
        {
            MemoryMarshal.Cast<byte, float>(layer)[index] = (float)value;
        }
        else
        {
            MemoryMarshal.Cast<byte, ushort>(layer)[index] = (ushort)(BitConverter.SingleToUInt32Bits((float)value) >> 16);
        }
    }

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static TheoryData<KvLayout, string> Cross(string[] kinds)
    {
        var data = new TheoryData<KvLayout, string>();
        foreach (var layout in Layouts)
        {
            foreach (string kind in kinds)
            {
                data.Add(layout, kind);
            }
        }

        return data;
    }
}
