using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// One tile of queries against one KV head, a tile of keys at a time. Few queries read K and V as they are stored; for
/// more, a tile of keys is converted to fp32 once, in the first-level cache. Meanwhile the next one is fetched.
/// </summary>
internal readonly unsafe ref struct KeyTiles<TSimd, TVec, TElements>
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    /// <summary>Positions of a tile of keys at most; a smaller block is a tile.</summary>
    private const int MaxLength = 64;

    /// <summary>So few queries that converting K and V ahead of them costs more than it saves.</summary>
    private const int DirectQueries = 8;

    private const int Line = 64;

    private readonly CpuTensor _pool;
    private readonly int _layer;
    private readonly int _kvHead;
    private readonly ReadOnlySpan<BlockId> _blocks;
    private readonly AttendTile _tile;
    private readonly int _group;
    private readonly int _firstRow;
    private readonly int _firstPosition;
    private readonly int _dim;
    private readonly int _length;
    private readonly float* _queries;
    private readonly float* _scores;
    private readonly float* _keys;
    private readonly float* _values;

    /// <param name="memory"><see cref="Floats"/> floats.</param>
    public KeyTiles(float* memory, CpuTensor pool, int layer, int kvHead, in BatchSegment segment, in AttendTile tile, int group)
    {
        _pool = pool;
        _layer = layer;
        _kvHead = kvHead;
        _blocks = segment.Blocks.Span;
        _tile = tile;
        _group = group;
        _firstRow = segment.FirstRow + tile.FirstRow;
        _firstPosition = segment.FirstPosition + tile.FirstRow;
        _dim = pool.Layout!.HeadDim;
        _length = Length(pool.Layout);
        _queries = memory;
        _scores = _queries + (tile.Rows * group * _dim);
        _keys = _scores + (tile.Rows * group * _length);
        _values = _keys + (_dim * _length);
    }

    private int Queries => _tile.Rows * _group;

    public static int Floats(int queries, KvLayout layout) =>
        (queries * (layout.HeadDim + Length(layout))) + (2 * layout.HeadDim * Length(layout));

    /// <summary>Copies the tile's queries [query, dim], a row's heads of the group behind each other, times the scale.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    public void LoadQueries(CpuTensor q, float scale)
    {
        float* target = _queries;
        for (int row = 0; row < _tile.Rows; row++)
        {
            float* source = q.Floats + ((long)(_firstRow + row) * q.Columns) + ((long)_kvHead * _group * _dim);
            for (int i = 0; i < _group * _dim; i++)
            {
                *target++ = source[i] * scale;
            }
        }
    }

    /// <summary>Attends the range's positions up to each query's own; the state is that of the range's keys so far.</summary>
    public void Attend(int range, in AttendState<TSimd, TVec> state)
    {
        int end = Math.Min((range + 1) * AttendPlan.Range, _firstPosition + _tile.Rows);
        for (int start = range * AttendPlan.Range; start < end; start += _length)
        {
            byte* keys = At(start, out byte* values);
            long ahead = start + _length < end ? At(start + _length, out _) - keys : 0;
            long keyStride = TElements.Offset(_pool.Layout!.BlockSize);
            if (Queries <= DirectQueries)
            {
                Attend<TElements>(state, start, keys, keyStride, values, ahead);
                continue;
            }

            Unpack(keys, keyStride, _keys, _dim, _length, ahead);
            Unpack(values, TElements.Offset(_dim), _values, Math.Min(_length, end - start), _dim, ahead);
            Attend<F32Elements>(state, start, (byte*)_keys, F32Elements.Offset(_length), (byte*)_values, ahead: 0);
        }
    }

    private static int Length(KvLayout layout) => Math.Min(layout.BlockSize, MaxLength);

    private void Attend<TStored>(in AttendState<TSimd, TVec> state, int start, byte* keys, long keyStride, byte* values, long ahead)
        where TStored : struct, IElements
    {
        if (_firstPosition + 1 - start >= _length)
        {
            Attend<TStored>(state, 0, Queries, _length, keys, keyStride, values, ahead);
            return;
        }

        for (int row = Math.Max(0, start - _firstPosition); row < _tile.Rows; row++)
        {
            int visible = Math.Min(_length, _firstPosition + row + 1 - start);
            Attend<TStored>(state, row * _group, _group, visible, keys, keyStride, values, ahead);
        }
    }

    /// <summary>Queries from <paramref name="first"/> against the first <paramref name="visible"/> keys of the tile.</summary>
    private void Attend<TStored>(
        in AttendState<TSimd, TVec> state, int first, int count, int visible, byte* keys, long keyStride, byte* values, long ahead)
        where TStored : struct, IElements
    {
        int columns = (visible + TSimd.Width - 1) / TSimd.Width * TSimd.Width;
        for (int query = first; query < first + count; query += MatrixTile<TSimd, TVec, TStored>.Rows)
        {
            int rows = Math.Min(MatrixTile<TSimd, TVec, TStored>.Rows, first + count - query);
            float* scores = _scores + (query * _length);
            float* o = state.O + ((long)query * _dim);
            new Span<float>(scores, rows * _length).Clear();
            new MatrixTile<TSimd, TVec, TStored>(_queries + (query * _dim), _dim, keys, keyStride, ahead, scores, _length, _dim)
                .Run(rows, columns);
            for (int row = 0; row < rows; row++)
            {
                Weigh(state, query + row, scores + (row * _length), visible, columns);
            }

            new MatrixTile<TSimd, TVec, TStored>(scores, _length, values, TStored.Offset(_dim), ahead, o, _dim, visible)
                .Run(rows, _dim);
        }
    }

    /// <summary>scores = exp(scores − max) with the maximum so far; the state is rescaled to it.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private void Weigh(in AttendState<TSimd, TVec> state, int query, float* scores, int visible, int columns)
    {
        for (int i = visible; i < columns; i++)
        {
            scores[i] = float.NegativeInfinity;
        }

        var largest = TSimd.Load(scores);
        for (int i = TSimd.Width; i < columns; i += TSimd.Width)
        {
            largest = TSimd.Max(largest, TSimd.Load(scores + i));
        }

        float before = state.Maxima[query];
        float max = MathF.Max(before, TSimd.MaxLane(largest));
        var maxima = TSimd.Broadcast(max);
        var sum = TSimd.Broadcast(0);
        for (int i = 0; i < columns; i += TSimd.Width)
        {
            var weight = Simd<TSimd, TVec>.Exp(TSimd.Sub(TSimd.Load(scores + i), maxima));
            TSimd.Store(scores + i, weight);
            sum = TSimd.Add(sum, weight);
        }

        float total = TSimd.Sum(sum);
        if (max > before)
        {
            float keep = MathF.Exp(before - max);
            Scale(state.O + ((long)query * _dim), keep);
            state.Maxima[query] = max;
            total = MathF.FusedMultiplyAdd(state.Sums[query], keep, total);
        }
        else
        {
            total += state.Sums[query];
        }

        state.Sums[query] = total;
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Scale(float* o, float factor)
    {
        int i = 0;
        for (; i + TSimd.Width <= _dim; i += TSimd.Width)
        {
            TSimd.Store(o + i, TSimd.Mul(TSimd.Load(o + i), TSimd.Broadcast(factor)));
        }

        for (; i < _dim; i++)
        {
            o[i] *= factor;
        }
    }

    /// <summary>K [dim, positions of the block] from this position on, and V from its row on.</summary>
    private byte* At(int position, out byte* values)
    {
        var layout = _pool.Layout!;
        var (block, offset) = Math.DivRem(position, layout.BlockSize);
        byte* head = _pool.Head(_blocks[block], _layer, _kvHead);
        values = head + TElements.Offset((layout.BlockSize + offset) * _dim);
        return head + TElements.Offset(offset);
    }

    /// <summary>target [rows, columns] as fp32; fetches the same of what lies <paramref name="ahead"/> bytes on.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private static void Unpack(byte* source, long stride, float* target, int rows, int columns, long ahead)
    {
        for (int row = 0; row < rows; row++, source += stride, target += columns)
        {
            for (long line = 0; line < TElements.Offset(columns); line += Line)
            {
                TSimd.Prefetch(source + ahead + line);
            }

            int i = 0;
            for (; i + (2 * TSimd.Width) <= columns; i += 2 * TSimd.Width)
            {
                TElements.LoadPair<TSimd, TVec>(source, i, null, out var low, out var high);
                TSimd.Store(target + i, low);
                TSimd.Store(target + i + TSimd.Width, high);
            }

            for (; i + TSimd.Width <= columns; i += TSimd.Width)
            {
                TSimd.Store(target + i, TElements.Load<TSimd, TVec>(source, i));
            }

            for (; i < columns; i++)
            {
                target[i] = TElements.Load<Scalar, float>(source, i);
            }
        }
    }
}
