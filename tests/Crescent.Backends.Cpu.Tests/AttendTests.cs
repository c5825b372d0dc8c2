using Crescent.Testing;

namespace Crescent.Backends.Cpu.Tests;

/// <summary>
/// Attention over three KV ranges, through a shuffled block table. One row reads K and V as stored and is split over
/// ranges, a long run of rows converts them first and is not: both must be right, and the same bits.
/// </summary>
public sealed class AttendTests
{
    private const int Positions = 2300;
    private const int Layers = 2;
    private const int Layer = 1;

    public static TheoryData<KernelPath, DType, int, int, int> Shapes()
    {
        var data = new TheoryData<KernelPath, DType, int, int, int>();
        foreach (var path in CpuBackend.SupportedPaths)
        {
            data.Add(path, DType.BF16, 64, 64, 3);
            data.Add(path, DType.BF16, 20, 16, 1);
            data.Add(path, DType.F32, 128, 256, 2);
            data.Add(path, DType.F32, 8, 32, 9);
            data.Add(path, DType.Q8_0, 64, 64, 3);
            data.Add(path, DType.Q8_0, 96, 128, 5);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void EveryRowEqualsAttentionInDouble(KernelPath path, DType kv, int dim, int blockSize, int group)
    {
        using var attention = new AttentionRun(path, kv, dim, blockSize, group, threads: 2);
        foreach (int position in new[] { 0, 1, 15, 16, 63, 64, 1023, 1024, 1025, Positions - 1 })
        {
            AssertClose(attention.Expected(position), attention.Attend((position, 1)));
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void ARowsBitsDoNotDependOnTheRowsBesideItOrOnThreads(KernelPath path, DType kv, int dim, int blockSize, int group)
    {
        using var attention = new AttentionRun(path, kv, dim, blockSize, group, threads: 1);
        using var threaded = new AttentionRun(path, kv, dim, blockSize, group, threads: 3);
        // Runs that cross a range, a block and a tile.
        foreach (int first in new[] { 990, 2230 })
        {
            float[] together = threaded.Attend((first, 70));
            float[] singly = [.. Enumerable.Range(first, 70).SelectMany(position => attention.Attend((position, 1)))];
            float[] inThrees = [.. Enumerable.Range(0, 23).SelectMany(i => threaded.Attend((first + (3 * i), 3)))];
            float[] mixed = threaded.Attend((5, 1), (first, 70), (Positions - 1, 1));
            int row = attention.RowFloats;
            Assert.Equal(Bits(singly), Bits(together));
            Assert.Equal(Bits(singly[..(69 * row)]), Bits(inThrees));
            Assert.Equal(Bits(singly), Bits(mixed[row..^row]));
        }
    }

    private static void AssertClose(double[] expected, float[] actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 2e-5);
        }
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    /// <summary>A pool that holds one sequence of random keys and values, and its random queries.</summary>
    private sealed class AttentionRun : IDisposable
    {
        private const int KvHeads = 2;
        private readonly int _dim;
        private readonly int _group;
        private readonly float _scale;
        private readonly IBackend<CpuTensor> _backend;
        private readonly CpuTensor _pool;
        private readonly BlockId[] _table;
        private readonly float[] _queries;
        private readonly float[] _keys;
        private readonly float[] _values;

        public AttentionRun(KernelPath path, DType kv, int dim, int blockSize, int group, int threads)
        {
            (_dim, _group, _scale) = (dim, group, 1 / MathF.Sqrt(dim));
            _backend = CpuBackend.Create(threads, path);
            int blocks = (Positions + blockSize - 1) / blockSize;
            _pool = _backend.CreateKvPool(new KvLayout(Layers, KvHeads, dim, blockSize, kv), blocks);
            var random = new Random(dim + blockSize);
            _table = [.. Enumerable.Range(0, blocks).Select(i => new BlockId(i))];
            random.Shuffle(_table);
            // Scores of a few units: some positions matter far more than others.
            _queries = Random(random, Positions * RowFloats, 4);
            _keys = Random(random, Positions * KvHeads * dim, 1);
            _values = Random(random, Positions * KvHeads * dim, 1);
            Write();
            _keys = Stored(_keys, kv);
            _values = Stored(_values, kv);
        }

        public int RowFloats => KvHeads * _group * _dim;

        /// <summary>[rows of all runs, heads · dim].</summary>
        public float[] Attend(params (int First, int Rows)[] runs)
        {
            var batch = new AttentionBatch();
            foreach (var (first, rows) in runs)
            {
                batch.Add(rows, first, _table);
            }

            using var q = _backend.CreateActivation(batch.Rows, RowFloats);
            using var output = _backend.CreateActivation(batch.Rows, RowFloats);
            _backend.Upload([.. runs.SelectMany(run => _queries[(run.First * RowFloats)..((run.First + run.Rows) * RowFloats)])], q);
            _backend.Attend(q, _pool, Layer, batch, _scale, output);
            var result = new float[batch.Rows * RowFloats];
            _backend.Download(output, result);
            return result;
        }

        public double[] Expected(int position)
        {
            var result = new double[RowFloats];
            for (int head = 0; head < KvHeads * _group; head++)
            {
                int kv = head / _group * _dim;
                double[] scores = [.. Enumerable.Range(0, position + 1).Select(j => _scale * Enumerable.Range(0, _dim).Sum(i =>
                    (double)_queries[(position * RowFloats) + (head * _dim) + i] * _keys[(j * KvHeads * _dim) + kv + i]))];
                double max = scores.Max();
                double[] weights = Array.ConvertAll(scores, score => Math.Exp(score - max));
                double sum = weights.Sum();
                for (int i = 0; i < _dim; i++)
                {
                    result[(head * _dim) + i] = Enumerable.Range(0, position + 1).Sum(j => weights[j] * _values[(j * KvHeads * _dim) + kv + i]) / sum;
                }
            }

            return result;
        }

        public void Dispose()
        {
            _pool.Dispose();
            _backend.Dispose();
        }

        /// <summary>Without rotation: all cosines 1, all sines 0.</summary>
        private void Write()
        {
            using var q = _backend.CreateActivation(Positions, RowFloats);
            using var k = _backend.CreateActivation(Positions, KvHeads * _dim);
            using var v = _backend.CreateActivation(Positions, KvHeads * _dim);
            using var rotation = _backend.CreateActivation(Positions, _dim);
            _backend.Upload(_queries, q);
            _backend.Upload(_keys, k);
            _backend.Upload(_values, v);
            _backend.Upload([.. Enumerable.Range(0, Positions * _dim).Select(i => i % _dim < _dim / 2 ? 1f : 0f)], rotation);
            var batch = new AttentionBatch();
            batch.Add(Positions, firstPosition: 0, _table);
            _backend.RopeAndWriteKv(q, k, v, rotation, interleaved: false, _pool, Layer, batch);
        }

        private static unsafe float[] Stored(float[] values, DType type)
        {
            fixed (byte* data = WeightEncoding.Encode(values, type))
            {
                return Array.ConvertAll(WeightEncoding.Decode(new WeightSource("kv", type, 1, values.Length, (nint)data)), value => (float)value);
            }
        }

        private static float[] Random(Random random, int count, float size) =>
            [.. Enumerable.Range(0, count).Select(_ => ((float)random.NextDouble() - 0.5f) * 2 * size)];
    }
}
