using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Crescent.Evaluation.Measures;

/// <summary>Recomputes the softmax weights of an attention from its queries and the keys in the pool, read block by block.</summary>
internal sealed class AttentionWeights<T>
    where T : class
{
    private readonly IBackend<T> _backend;
    private readonly KvLayout _layout;
    private readonly int _heads;
    private readonly float[] _queries;
    private readonly float[] _scores;
    private readonly byte[] _block;
    private readonly float[] _keys;
    private readonly int _length;
    private int _firstPosition;

    /// <param name="heads">Query heads.</param>
    /// <param name="rows">Rows of a call.</param>
    /// <param name="length">The most positions.</param>
    public AttentionWeights(IBackend<T> backend, KvLayout layout, int heads, int rows, int length)
    {
        _backend = backend;
        _layout = layout;
        _heads = heads;
        _length = length;
        _queries = new float[rows * heads * layout.HeadDim];
        _scores = new float[(long)rows * heads * length];
        _block = new byte[layout.LayerBytes];
        _keys = new float[layout.KvHeads * layout.BlockSize * layout.HeadDim];
    }

    /// <summary>Reads a call of one sequence.</summary>
    public void Read(AttendCall<T> call)
    {
        var segment = call.Batch.Segments.Single();
        _firstPosition = segment.FirstPosition;
        _backend.Download(call.Q, _queries);
        int positions = segment.FirstPosition + segment.Rows;
        for (int first = 0; first < positions; first += _layout.BlockSize)
        {
            var block = segment.Blocks.Span[first / _layout.BlockSize];
            _backend.Wait(_backend.CopyOut(call.Pool, block, call.Layer, 1, _block, _backend.Fence()));
            Decode(_block.AsSpan(0, _block.Length / 2), _layout.Type, _keys);
            for (int row = 0; row < segment.Rows; row++)
            {
                Score(row, first, Math.Min(_layout.BlockSize, segment.FirstPosition + row + 1 - first), call.Scale);
            }
        }
    }

    /// <summary>Weights of a row's head for every position it may see; they sum to 1.</summary>
    public double[] Of(int row, int head)
    {
        var scores = Scores(row, head)[..(_firstPosition + row + 1)];
        double logSum = Distribution.LogSum(scores);
        double[] weights = new double[scores.Length];
        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = Math.Exp(scores[i] - logSum);
        }

        return weights;
    }

    /// <summary>values = a run of elements of the interchange layout.</summary>
    internal static void Decode(ReadOnlySpan<byte> bytes, DType type, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = type switch
            {
                DType.F32 => MemoryMarshal.Read<float>(bytes[(4 * i)..]),
                DType.BF16 => BitConverter.Int32BitsToSingle(MemoryMarshal.Read<ushort>(bytes[(2 * i)..]) << 16),
                DType.Q8_0 => (float)MemoryMarshal.Read<Half>(bytes[(i / 32 * 34)..]) * (sbyte)bytes[(i / 32 * 34) + 2 + (i % 32)],
                _ => throw new NotSupportedException($"KV is not kept as {type}"),
            };
        }
    }

    private Span<float> Scores(int row, int head) => _scores.AsSpan(((row * _heads) + head) * _length, _length);

    private void Score(int row, int first, int visible, float scale)
    {
        int dim = _layout.HeadDim;
        int group = _heads / _layout.KvHeads;
        for (int head = 0; head < _heads; head++)
        {
            var query = _queries.AsSpan(((row * _heads) + head) * dim, dim);
            var scores = Scores(row, head);
            for (int i = 0; i < visible; i++)
            {
                var key = _keys.AsSpan(((head / group * _layout.BlockSize) + i) * dim, dim);
                scores[first + i] = scale * TensorPrimitives.Dot<float>(query, key);
            }
        }
    }
}
