using System.Diagnostics;
using System.Runtime.InteropServices;
using Crescent.KvCache.Codecs;

namespace Crescent.Bench.Engine;

/// <summary>KV codecs by themselves, on one thread: a block of invented BF16 KV, whose channels differ in mean and spread.</summary>
internal static class CodecTimings
{
    private static readonly KvLayout Layout = new(Layers: 12, KvHeads: 4, HeadDim: 64, BlockSize: 64, DType.BF16);
    private static readonly TimeSpan Sampled = TimeSpan.FromSeconds(0.3);

    /// <summary>MB/s of interchange bytes that go in.</summary>
    public static double[] Encode(string name, int repeats)
    {
        var codec = KvCodecs.Find(name)!;
        byte[][] layers = Layers();
        var encoded = new byte[codec.MaxLayerBytes(Layout)];
        return Rates(repeats, layer => codec.Encode(Layout, layer, layers[layer], encoded));
    }

    /// <summary>MB/s of interchange bytes that come out.</summary>
    public static double[] Decode(string name, int repeats)
    {
        var codec = KvCodecs.Find(name)!;
        var room = new byte[codec.MaxLayerBytes(Layout)];
        byte[][] encoded = [.. Layers().Select((layer, i) => room[..codec.Encode(Layout, i, layer, room)])];
        var interchange = new byte[Layout.LayerBytes];
        return Rates(repeats, layer => codec.Decode(Layout, layer, encoded[layer], interchange));
    }

    private static double[] Rates(int repeats, Action<int> layerWork)
    {
        var rates = new List<double>();
        for (int sample = 0; sample <= repeats; sample++)
        {
            long blocks = 0;
            long started = Stopwatch.GetTimestamp();
            for (; Stopwatch.GetElapsedTime(started) < Sampled; blocks++)
            {
                for (int layer = 0; layer < Layout.Layers; layer++)
                {
                    layerWork(layer);
                }
            }

            rates.Add(blocks * Layout.BlockBytes / 1e6 / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return [.. rates.Skip(1)];
    }

    private static byte[][] Layers()
    {
        var random = new Random(1);
        var layers = new byte[Layout.Layers][];
        foreach (ref var layer in layers.AsSpan())
        {
            layer = new byte[Layout.LayerBytes];
            var elements = MemoryMarshal.Cast<byte, ushort>(layer.AsSpan());
            var channels = new (double Mean, double Spread)[2 * Layout.KvHeads * Layout.HeadDim];
            foreach (ref var channel in channels.AsSpan())
            {
                channel = (Gauss(random), Math.Exp(Gauss(random) / 2));
            }

            for (int i = 0; i < elements.Length; i++)
            {
                var (mean, spread) = channels[(i / (Layout.BlockSize * Layout.HeadDim) * Layout.HeadDim) + (i % Layout.HeadDim)];
                elements[i] = (ushort)(BitConverter.SingleToUInt32Bits((float)(mean + (spread * Gauss(random)))) >> 16);
            }
        }

        return layers;
    }

    private static double Gauss(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
