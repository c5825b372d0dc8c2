using Crescent.Testing;

namespace Crescent.Backends.Torch.Tests.Support;

/// <summary>A step over a pool that holds earlier positions of its sequences: what a backend makes of it.</summary>
/// <param name="Interleaved">How pairs of a head rotate.</param>
/// <param name="Exact">Turns by quarters, which round nothing, in place of any angle.</param>
internal sealed record AttentionCase(KvLayout Layout, int Heads, bool Interleaved, bool Exact)
{
    private const int Blocks = 9;

    /// <summary>Positions in the pool and rows of the step: a start, one row, and rows over two block boundaries.</summary>
    private static readonly (int History, int Rows, int[] Table)[] Sequences =
    [
        (0, 5, [3]),
        (16, 1, [5, 1]),
        (30, 20, [8, 2, 7, 0]),
    ];

    /// <param name="Q">[rows, heads · dim] rotated.</param>
    /// <param name="K">[rows, KV heads · dim] rotated.</param>
    /// <param name="Attended">[rows, heads · dim].</param>
    /// <param name="Pool">All blocks, in the interchange layout.</param>
    public sealed record Result(float[] Q, float[] K, float[] Attended, byte[] Pool);

    /// <summary>Writes the histories to the last layer, then the step, and attends it.</summary>
    public Result Run<T>(BackendProbe<T> probe)
        where T : class
    {
        var pool = probe.Pool(Layout, Blocks);
        Write(probe, pool, Batch(sequence => (0, sequence.History)), seed: 100);
        var step = Batch(sequence => (sequence.History, sequence.Rows));
        var (q, k) = Write(probe, pool, step, seed: 200);
        var output = probe.Filled(step.Rows, new float[step.Rows * Heads * Layout.HeadDim]);
        probe.Backend.Attend(q, pool, Layout.Layers - 1, step, 1 / MathF.Sqrt(Layout.HeadDim), output);
        return new Result(
            probe.Read(q, step.Rows * Heads * Layout.HeadDim),
            probe.Read(k, step.Rows * Layout.KvHeads * Layout.HeadDim),
            probe.Read(output, step.Rows * Heads * Layout.HeadDim),
            [.. Enumerable.Range(0, Blocks).SelectMany(block => probe.ReadBlock(pool, Layout, block, 0, Layout.Layers))]);
    }

    private static AttentionBatch Batch(Func<(int History, int Rows, int[] Table), (int First, int Rows)> rows)
    {
        var batch = new AttentionBatch();
        foreach (var sequence in Sequences)
        {
            var (first, count) = rows(sequence);
            if (count > 0)
            {
                batch.Add(count, first, Array.ConvertAll(sequence.Table, block => new BlockId(block)));
            }
        }

        return batch;
    }

    private (T Q, T K) Write<T>(BackendProbe<T> probe, T pool, AttentionBatch batch, int seed)
        where T : class
    {
        var q = probe.Filled(batch.Rows, Values.Random(seed, batch.Rows * Heads * Layout.HeadDim));
        var k = probe.Filled(batch.Rows, Values.Random(seed + 1, batch.Rows * Layout.KvHeads * Layout.HeadDim));
        var v = probe.Filled(batch.Rows, Values.Random(seed + 2, batch.Rows * Layout.KvHeads * Layout.HeadDim));
        var rotation = probe.Filled(batch.Rows, Rotation(batch.Rows, seed + 3));
        probe.Backend.RopeAndWriteKv(q, k, v, rotation, Interleaved, pool, Layout.Layers - 1, batch);
        return (q, k);
    }

    private float[] Rotation(int rows, int seed)
    {
        int half = Layout.HeadDim / 2;
        var random = new Random(seed);
        var rotation = new float[rows * Layout.HeadDim];
        for (int row = 0; row < rows; row++)
        {
            for (int i = 0; i < half; i++)
            {
                var (sine, cosine) = Exact ? Quarter(random.Next(4)) : Math.SinCos(random.NextDouble() * 7);
                rotation[(row * Layout.HeadDim) + i] = (float)cosine;
                rotation[(row * Layout.HeadDim) + half + i] = (float)sine;
            }
        }

        return rotation;
    }

    private static (double Sine, double Cosine) Quarter(int turns) => turns switch
    {
        0 => (0, 1),
        1 => (1, 0),
        2 => (0, -1),
        _ => (-1, 0),
    };
}
