using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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
            byte* head = At(start, out int offset);
            long ahead = start + _length < end ? At(start + _length, out int next) - head + TElements.Offset(next - offset) : 0;
            int positions = _pool.Layout!.BlockSize;
            if (typeof(TElements) == typeof(Q8Elements))
            {
                Attend(state, start, new Q8Tile<TSimd, TVec>(head, positions, offset, ahead, _dim, _length));
                continue;
            }

            byte* keys = head + TElements.Offset(offset);
            byte* values = head + TElements.Offset((positions + offset) * _dim);
            long keyStride = TElements.Offset(positions);
            if (Queries <= DirectQueries)
            {
                Attend(state, start, new PlainTile<TSimd, TVec, TElements>(keys, keyStride, values, ahead, _dim, _length));
                continue;
            }

            Unpack(keys, keyStride, _keys, _dim, _length, ahead);
            Unpack(values, TElements.Offset(_dim), _values, Math.Min(_length, end - start), _dim, ahead);
            Attend(state, start, new PlainTile<TSimd, TVec, F32Elements>((byte*)_keys, F32Elements.Offset(_length), (byte*)_values, ahead: 0, _dim, _length));
        }
    }

    private static int Length(KvLayout layout) => Math.Min(layout.BlockSize, MaxLength);

    private void Attend<TTile>(in AttendState<TSimd, TVec> state, int start, in TTile tile)
        where TTile : struct, IKvTile, allows ref struct
    {
        if (_firstPosition + 1 - start >= _length)
        {
            Attend(state, 0, Queries, _length, tile);
            return;
        }

        for (int row = Math.Max(0, start - _firstPosition); row < _tile.Rows; row++)
        {
            Attend(state, row * _group, _group, Math.Min(_length, _firstPosition + row + 1 - start), tile);
        }
    }

    /// <summary>Queries from <paramref name="first"/> against the first <paramref name="visible"/> keys of the tile.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private void Attend<TTile>(in AttendState<TSimd, TVec> state, int first, int count, int visible, in TTile tile)
        where TTile : struct, IKvTile, allows ref struct
    {
        int columns = (visible + TSimd.Width - 1) / TSimd.Width * TSimd.Width;
        for (int query = first; query < first + count; query += MatrixTile.Rows)
        {
            int rows = Math.Min(MatrixTile.Rows, first + count - query);
            float* scores = _scores + (query * _length);
            new Span<float>(scores, rows * _length).Clear();
            tile.Scores(_queries + (query * _dim), rows, columns, scores);
            Weigh(state, query, rows, scores, visible, columns);
            tile.Values(scores, rows, visible, state.O + ((long)query * _dim));
        }
    }

    /// <summary>scores = exp(scores − max) with each query's maximum so far; its state is rescaled to it.</summary>
    /// <param name="scores">[rows, positions of a tile].</param>
    [MethodImpl(Kernel.FullyOptimised)]
    private void Weigh(in AttendState<TSimd, TVec> state, int query, int rows, float* scores, int visible, int columns)
    {
        for (int row = 0; visible < columns && row < rows; row++)
        {
            new Span<float>(scores + (row * _length) + visible, columns - visible).Fill(float.NegativeInfinity);
        }

        // Rows that are not there repeat the last.
        float* s1 = scores + (Math.Min(1, rows - 1) * _length), s2 = scores + (Math.Min(2, rows - 1) * _length), s3 = scores + (Math.Min(3, rows - 1) * _length);
        TVec m0 = TSimd.Load(scores), m1 = TSimd.Load(s1), m2 = TSimd.Load(s2), m3 = TSimd.Load(s3);
        for (int i = TSimd.Width; i < columns; i += TSimd.Width)
        {
            m0 = TSimd.Max(m0, TSimd.Load(scores + i));
            m1 = TSimd.Max(m1, TSimd.Load(s1 + i));
            m2 = TSimd.Max(m2, TSimd.Load(s2 + i));
            m3 = TSimd.Max(m3, TSimd.Load(s3 + i));
        }

        float* maxima = stackalloc float[MatrixTile.Rows];
        TSimd.Max4(m0, m1, m2, m3).Store(maxima);
        for (int row = 0; row < rows; row++)
        {
            maxima[row] = Raise(state, query + row, maxima[row]);
        }

        TVec t0 = Exponentials(scores, maxima[0], columns), t1 = t0, t2 = t0, t3 = t0;
        if (rows > 1)
        {
            t1 = Exponentials(s1, maxima[1], columns);
        }

        if (rows > 2)
        {
            t2 = Exponentials(s2, maxima[2], columns);
        }

        if (rows > 3)
        {
            t3 = Exponentials(s3, maxima[3], columns);
        }

        float* sums = stackalloc float[MatrixTile.Rows];
        TSimd.Sum4(t0, t1, t2, t3).Store(sums);
        for (int row = 0; row < rows; row++)
        {
            state.Sums[query + row] += sums[row];
        }
    }

    /// <summary>Raises a query's maximum to at least this one, and rescales its state; returns the maximum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private float Raise(in AttendState<TSimd, TVec> state, int query, float max)
    {
        float before = state.Maxima[query];
        if (!(max > before))
        {
            return before;
        }

        float keep = MathF.Exp(before - max);
        Scale(state.O + ((long)query * _dim), keep);
        state.Sums[query] *= keep;
        state.Maxima[query] = max;
        return max;
    }

    /// <summary>scores = exp(scores − max); returns their sum, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Exponentials(float* scores, float max, int columns)
    {
        var maximum = TSimd.Broadcast(max);
        var sum = TSimd.Broadcast(0);
        for (int i = 0; i < columns; i += TSimd.Width)
        {
            var weight = Simd<TSimd, TVec>.ExpBelow88(TSimd.Sub(TSimd.Load(scores + i), maximum));
            TSimd.Store(scores + i, weight);
            sum = TSimd.Add(sum, weight);
        }

        return sum;
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

    /// <summary>The head in the block that holds a position, and which of the block's positions it is.</summary>
    private byte* At(int position, out int offset)
    {
        (int block, offset) = Math.DivRem(position, _pool.Layout!.BlockSize);
        return _pool.Head(_blocks[block], _layer, _kvHead);
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
