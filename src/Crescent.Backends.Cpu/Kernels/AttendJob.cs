using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>Up to <see cref="MaxRows"/> consecutive rows of one segment.</summary>
internal readonly record struct AttendTile(int Segment, int FirstRow, int Rows)
{
    public const int MaxRows = 16;
}

/// <summary>
/// Causal attention through the block tables; an item is (tile of rows, KV head). The KV range is cut at blocks: each
/// (row, head, block) gives a partial (o, max, sum) and the partials merge in ascending order, so a row's bits do
/// not depend on the tile or the batch it is in (invariant 9). The tile's rows visit a block together while it is in cache.
/// </summary>
internal readonly unsafe struct AttendJob<TSimd, TVec, TElements>(
    CpuTensor q, CpuTensor pool, int layer, AttentionBatch batch, List<AttendTile> tiles, float scale, CpuTensor output) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    private const int MaxBlockSize = 256;

    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        var layout = pool.Layout!;
        int kvHead = item % layout.KvHeads;
        var tile = tiles[item / layout.KvHeads];
        var segment = batch.Segments[tile.Segment];
        int dim = layout.HeadDim;
        int group = q.Columns / dim / layout.KvHeads;
        int states = tile.Rows * group;
        float* maxima = stackalloc float[states];
        float* sums = stackalloc float[states];
        float* partial = stackalloc float[dim];
        float* scores = stackalloc float[MaxBlockSize];
        int firstPosition = segment.FirstPosition + tile.FirstRow;
        int lastPosition = firstPosition + tile.Rows - 1;
        var blocks = segment.Blocks.Span;

        for (int block = 0; block * layout.BlockSize <= lastPosition; block++)
        {
            long headBytes = layout.Type.RowBytes((long)layout.BlockSize * dim);
            byte* keys = pool.Layer(blocks[block], layer) + (kvHead * headBytes);
            byte* values = keys + (layout.LayerBytes / 2);
            int start = block * layout.BlockSize;
            for (int row = Math.Max(0, start - firstPosition); row < tile.Rows; row++)
            {
                int count = Math.Min(layout.BlockSize, firstPosition + row - start + 1);
                long offset = ((long)(segment.FirstRow + tile.FirstRow + row) * q.Columns) + ((long)kvHead * group * dim);
                for (int head = 0; head < group; head++, offset += dim)
                {
                    float max = Scores(q.Floats + offset, keys, dim, count, scores);
                    float sum = Weigh(scores, count, max);
                    float* o = output.Floats + offset;
                    float* target = block == 0 ? o : partial;
                    WeightedValues(scores, values, dim, count, target);
                    int state = (row * group) + head;
                    if (block == 0)
                    {
                        maxima[state] = max;
                        sums[state] = sum;
                    }
                    else
                    {
                        Merge(o, ref maxima[state], ref sums[state], partial, max, sum, dim);
                    }
                }
            }
        }

        Normalise(segment.FirstRow + tile.FirstRow, tile.Rows, kvHead, group, dim, sums);
    }

    /// <summary>scores[j] = scale · q · K[j], padded to whole vectors with −∞; returns the largest.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private float Scores(float* query, byte* keys, int dim, int count, float* scores)
    {
        int vectors = dim - (dim % TSimd.Width);
        long stride = pool.Type.RowBytes(dim);
        for (int j = 0; j < count; j++)
        {
            byte* key = keys + (j * stride);
            var sum = TSimd.Broadcast(0);
            for (int i = 0; i < vectors; i += TSimd.Width)
            {
                sum = TSimd.Fma(TSimd.Load(query + i), TElements.Load<TSimd, TVec>(key, i), sum);
            }

            float dot = TSimd.Sum(sum);
            for (int i = vectors; i < dim; i++)
            {
                dot = MathF.FusedMultiplyAdd(query[i], TElements.Load<Scalar, float>(key, i), dot);
            }

            scores[j] = dot * scale;
        }

        int padded = Padded(count);
        for (int j = count; j < padded; j++)
        {
            scores[j] = float.NegativeInfinity;
        }

        var max = TSimd.Load(scores);
        for (int j = TSimd.Width; j < padded; j += TSimd.Width)
        {
            max = TSimd.Max(max, TSimd.Load(scores + j));
        }

        return TSimd.MaxLane(max);
    }

    /// <summary>scores[j] = exp(scores[j] − max), padding 0; returns their sum.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private static float Weigh(float* scores, int count, float max)
    {
        var sum = TSimd.Broadcast(0);
        var maxima = TSimd.Broadcast(max);
        int padded = Padded(count);
        for (int j = 0; j < padded; j += TSimd.Width)
        {
            TSimd.Store(scores + j, Simd<TSimd, TVec>.Exp(TSimd.Sub(TSimd.Load(scores + j), maxima)));
        }

        for (int j = count; j < padded; j++)
        {
            scores[j] = 0;
        }

        for (int j = 0; j < padded; j += TSimd.Width)
        {
            sum = TSimd.Add(sum, TSimd.Load(scores + j));
        }

        return TSimd.Sum(sum);
    }

    /// <summary>target[i] = Σⱼ weights[j] · V[j][i], j ascending.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private void WeightedValues(float* weights, byte* values, int dim, int count, float* target)
    {
        long stride = pool.Type.RowBytes(dim);
        int i = 0;
        for (; i + (4 * TSimd.Width) <= dim; i += 4 * TSimd.Width)
        {
            var zero = TSimd.Broadcast(0);
            TVec a = zero, b = zero, c = zero, d = zero;
            for (int j = 0; j < count; j++)
            {
                byte* value = values + (j * stride);
                var weight = TSimd.Broadcast(weights[j]);
                a = TSimd.Fma(weight, TElements.Load<TSimd, TVec>(value, i), a);
                b = TSimd.Fma(weight, TElements.Load<TSimd, TVec>(value, i + TSimd.Width), b);
                c = TSimd.Fma(weight, TElements.Load<TSimd, TVec>(value, i + (2 * TSimd.Width)), c);
                d = TSimd.Fma(weight, TElements.Load<TSimd, TVec>(value, i + (3 * TSimd.Width)), d);
            }

            TSimd.Store(target + i, a);
            TSimd.Store(target + i + TSimd.Width, b);
            TSimd.Store(target + i + (2 * TSimd.Width), c);
            TSimd.Store(target + i + (3 * TSimd.Width), d);
        }

        for (; i + TSimd.Width <= dim; i += TSimd.Width)
        {
            var sum = TSimd.Broadcast(0);
            for (int j = 0; j < count; j++)
            {
                sum = TSimd.Fma(TSimd.Broadcast(weights[j]), TElements.Load<TSimd, TVec>(values + (j * stride), i), sum);
            }

            TSimd.Store(target + i, sum);
        }

        for (; i < dim; i++)
        {
            float sum = 0;
            for (int j = 0; j < count; j++)
            {
                sum = MathF.FusedMultiplyAdd(weights[j], TElements.Load<Scalar, float>(values + (j * stride), i), sum);
            }

            target[i] = sum;
        }
    }

    /// <summary>Merges a later partial into (o, max, sum): both sums are rescaled to the larger maximum.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private static void Merge(float* o, ref float max, ref float sum, float* partial, float partialMax, float partialSum, int dim)
    {
        float merged = MathF.Max(max, partialMax);
        float keep = MathF.Exp(max - merged);
        float add = MathF.Exp(partialMax - merged);
        max = merged;
        sum = (sum * keep) + (partialSum * add);
        int i = 0;
        for (; i + TSimd.Width <= dim; i += TSimd.Width)
        {
            var added = TSimd.Mul(TSimd.Load(partial + i), TSimd.Broadcast(add));
            TSimd.Store(o + i, TSimd.Fma(TSimd.Load(o + i), TSimd.Broadcast(keep), added));
        }

        for (; i < dim; i++)
        {
            o[i] = MathF.FusedMultiplyAdd(o[i], keep, partial[i] * add);
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Normalise(int firstRow, int rows, int kvHead, int group, int dim, float* sums)
    {
        for (int row = 0; row < rows; row++)
        {
            float* o = output.Floats + ((long)(firstRow + row) * q.Columns) + ((long)kvHead * group * dim);
            for (int i = 0; i < group * dim; i++)
            {
                o[i] /= sums[(row * group) + (i / dim)];
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Padded(int count) => (count + TSimd.Width - 1) / TSimd.Width * TSimd.Width;
}
