using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// Outputs <paramref name="first"/> to <paramref name="end"/> of y[r, n] (+)= Σₖ x[r, k] · w[n, k] for all rows.
/// Whichever tile computes an element, it does the same operations in the same order (invariant 9): k is cut into
/// chunks of <see cref="Chunk"/>; in a chunk one accumulator vector walks k in ascending order and its lanes are summed
/// by a fixed tree; the chunks' sums are added to y in ascending order, and last the sum of what of k fills no vector.
/// One row reads the weights as they are stored: it is bound by memory. More rows share a panel of weights that is
/// converted to fp32 once, in the order the tile reads it, and stays in the first-level cache.
/// </summary>
internal readonly unsafe ref struct LinearBlock<TSimd, TVec, TElements>(float* x, CpuTensor weight, float* y, int rows, int first, int end)
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    private const int Chunk = 1024;

    private const int MinAhead = 8192;

    /// <summary>Rows that pass over the panels together.</summary>
    private const int RowBlock = 128;

    /// <summary>Elements of x that stay in the second-level cache meanwhile: half a megabyte.</summary>
    private const int CachedInputs = RowBlock * Chunk;

    private readonly byte* _weight = weight.Data;
    private readonly long _stride = weight.Type.RowBytes(weight.Columns);
    private readonly int _inputs = weight.Columns;
    private readonly int _outputs = weight.Rows;

    private int Vectorised => _inputs - (_inputs % TSimd.Width);

    public void Run(bool accumulate)
    {
        if (!accumulate)
        {
            for (int row = 0; row < rows; row++)
            {
                new Span<float>(y + ((long)row * _outputs) + first, end - first).Clear();
            }
        }

        if (rows == 1)
        {
            OneRow();
        }
        else
        {
            ManyRows();
        }

        if (Vectorised < _inputs)
        {
            Tail();
        }
    }

    private void OneRow()
    {
        int output = first;
        for (; output + 4 <= end; output += 4)
        {
            for (int start = 0; start < Vectorised; start += Chunk)
            {
                OneByFour(output, start, Math.Min(start + Chunk, Vectorised));
            }
        }

        for (; output < end; output++)
        {
            for (int start = 0; start < Vectorised; start += Chunk)
            {
                OneByOne(output, start, Math.Min(start + Chunk, Vectorised));
            }
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void OneByFour(int output, int start, int stop)
    {
        byte* w0 = _weight + (output * _stride), w1 = w0 + _stride, w2 = w1 + _stride, w3 = w2 + _stride;
        int perRun = TElements.SharedFloats, runLength = TElements.RunLength, runBytes = (int)TElements.Offset(runLength), perOutput = Chunk / runLength * perRun;
        float* shared = stackalloc float[4 * perOutput];
        Share(w0, 4, start, stop, shared);
        var zero = TSimd.Broadcast(0);
        TVec a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        long ahead = Ahead(4);
        int k = start;
        for (; k + (2 * TSimd.Width) <= stop; k += 2 * TSimd.Width)
        {
            Prefetch(w0 + TElements.Offset(k) + (k % runLength * runBytes / runLength), 4, ahead);
            float* run = shared + ((k - start) / runLength * perRun);
            TVec low = TSimd.Load(x + k), high = TSimd.Load(x + k + TSimd.Width);
            TElements.LoadPair<TSimd, TVec>(w0, k, run, out var w, out var v);
            a0 = TSimd.Fma(high, v, TSimd.Fma(low, w, a0));
            TElements.LoadPair<TSimd, TVec>(w1, k, run + perOutput, out w, out v);
            a1 = TSimd.Fma(high, v, TSimd.Fma(low, w, a1));
            TElements.LoadPair<TSimd, TVec>(w2, k, run + (2 * perOutput), out w, out v);
            a2 = TSimd.Fma(high, v, TSimd.Fma(low, w, a2));
            TElements.LoadPair<TSimd, TVec>(w3, k, run + (3 * perOutput), out w, out v);
            a3 = TSimd.Fma(high, v, TSimd.Fma(low, w, a3));
        }

        if (runLength < 2 * TSimd.Width && k < stop)
        {
            var low = TSimd.Load(x + k);
            a0 = TSimd.Fma(low, TElements.Load<TSimd, TVec>(w0, k), a0);
            a1 = TSimd.Fma(low, TElements.Load<TSimd, TVec>(w1, k), a1);
            a2 = TSimd.Fma(low, TElements.Load<TSimd, TVec>(w2, k), a2);
            a3 = TSimd.Fma(low, TElements.Load<TSimd, TVec>(w3, k), a3);
        }

        PanelTile<TSimd, TVec>.Add4(y + output, TSimd.Sum4(a0, a1, a2, a3));
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void OneByOne(int output, int start, int stop)
    {
        byte* w = _weight + (output * _stride);
        var sum = TSimd.Broadcast(0);
        for (int k = start; k < stop; k += TSimd.Width)
        {
            sum = TSimd.Fma(TSimd.Load(x + k), TElements.Load<TSimd, TVec>(w, k), sum);
        }

        y[output] += TSimd.Sum(sum);
    }

    private void ManyRows()
    {
        const int Line = 16;
        float* memory = stackalloc float[(PanelTile.Outputs * Chunk) + Line];
        float* panel = (float*)(((nint)memory + (Line * sizeof(float)) - 1) & -(Line * sizeof(float)));
        int span = Math.Max(1, CachedInputs / Math.Min(rows, RowBlock) / Chunk) * Chunk;
        for (int row = 0; row < rows; row += RowBlock)
        {
            for (int start = 0; start < Vectorised; start += span)
            {
                for (int output = first; output < end; output += PanelTile.Outputs)
                {
                    Panel(panel, row, output, start, Math.Min(start + span, Vectorised));
                }
            }
        }
    }

    /// <summary>A panel's outputs for a block of rows, over the chunks from <paramref name="start"/> to <paramref name="stop"/>.</summary>
    private void Panel(float* panel, int row, int output, int start, int stop)
    {
        int outputs = Math.Min(PanelTile.Outputs, end - output);
        for (int from = start; from < stop; from += Chunk)
        {
            int to = Math.Min(from + Chunk, stop);
            Unpack(panel, output, outputs - 1, from, to);
            float* inputs = x + ((long)row * _inputs) + from;
            float* sums = y + ((long)row * _outputs) + output;
            new PanelTile<TSimd, TVec>(inputs, _inputs, panel, (to - from) / TSimd.Width, sums, _outputs).Run(Math.Min(RowBlock, rows - row), outputs);
        }
    }

    /// <summary>panel[step][n][lane] = w[output + n][from + step · width + lane]; behind the last output it is repeated.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private void Unpack(float* panel, int output, int last, int from, int to)
    {
        byte* w0 = _weight + (output * _stride), w1 = w0 + (Math.Min(1, last) * _stride), w2 = w0 + (Math.Min(2, last) * _stride);
        byte* w3 = w0 + (Math.Min(3, last) * _stride), w4 = w0 + (Math.Min(4, last) * _stride), w5 = w0 + (Math.Min(5, last) * _stride);
        long ahead = Ahead(PanelTile.Outputs);
        int perRun = TElements.SharedFloats, runLength = TElements.RunLength, runBytes = (int)TElements.Offset(runLength), perOutput = Chunk / runLength * perRun;
        float* shared = stackalloc float[PanelTile.Outputs * perOutput];
        Share(w0, last + 1, from, to, shared);
        int k = from;
        for (; k + (2 * TSimd.Width) <= to; k += 2 * TSimd.Width, panel += 2 * PanelTile.Outputs * TSimd.Width)
        {
            Prefetch(w0 + TElements.Offset(k) + (k % runLength * runBytes / runLength), PanelTile.Outputs, ahead);
            float* run = shared + ((k - from) / runLength * perRun);
            UnpackPair(w0, k, run, panel);
            UnpackPair(w1, k, run + perOutput, panel + TSimd.Width);
            UnpackPair(w2, k, run + (2 * perOutput), panel + (2 * TSimd.Width));
            UnpackPair(w3, k, run + (3 * perOutput), panel + (3 * TSimd.Width));
            UnpackPair(w4, k, run + (4 * perOutput), panel + (4 * TSimd.Width));
            UnpackPair(w5, k, run + (5 * perOutput), panel + (5 * TSimd.Width));
        }

        if (runLength < 2 * TSimd.Width && k < to)
        {
            TSimd.Store(panel, TElements.Load<TSimd, TVec>(w0, k));
            TSimd.Store(panel + TSimd.Width, TElements.Load<TSimd, TVec>(w1, k));
            TSimd.Store(panel + (2 * TSimd.Width), TElements.Load<TSimd, TVec>(w2, k));
            TSimd.Store(panel + (3 * TSimd.Width), TElements.Load<TSimd, TVec>(w3, k));
            TSimd.Store(panel + (4 * TSimd.Width), TElements.Load<TSimd, TVec>(w4, k));
            TSimd.Store(panel + (5 * TSimd.Width), TElements.Load<TSimd, TVec>(w5, k));
        }
    }

    /// <summary>Of the runs of one output's chunk together.</summary>
    private static int SharedFloats => Chunk / TElements.RunLength * TElements.SharedFloats;

    /// <summary>What the runs of each output share, from <paramref name="from"/> to <paramref name="to"/>.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Share(byte* weights, int outputs, int from, int to, float* shared)
    {
        if (TElements.SharedFloats == 0)
        {
            return;
        }

        for (int n = 0; n < outputs; n++, weights += _stride, shared += SharedFloats)
        {
            for (int k = from; k < to; k += TElements.RunLength)
            {
                TElements.Share(weights, k, shared + ((k - from) / TElements.RunLength * TElements.SharedFloats));
            }
        }
    }

    /// <summary>
    /// Fetches what a later tile of <paramref name="outputs"/> outputs will read at this k. The streams of a tile are too
    /// short for the processor to see them coming.
    /// </summary>
    /// <param name="weights">What is read now.</param>
    /// <param name="ahead">From <see cref="Ahead"/>.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Prefetch(byte* weights, int outputs, long ahead)
    {
        weights += ahead;
        for (int i = 0; i < outputs; i++, weights += _stride)
        {
            TSimd.Prefetch(weights);
        }
    }

    /// <summary>Whole tiles, and enough of them to cover the latency of memory.</summary>
    private long Ahead(int outputs)
    {
        long tile = outputs * _stride;
        return (MinAhead + tile - 1) / tile * tile;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackPair(byte* w, int k, float* shared, float* panel)
    {
        TElements.LoadPair<TSimd, TVec>(w, k, shared, out var low, out var high);
        TSimd.Store(panel, low);
        TSimd.Store(panel + (PanelTile.Outputs * TSimd.Width), high);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Tail()
    {
        for (int row = 0; row < rows; row++)
        {
            float* x0 = x + ((long)row * _inputs);
            for (int output = first; output < end; output++)
            {
                byte* w = _weight + (output * _stride);
                float sum = 0;
                for (int k = Vectorised; k < _inputs; k++)
                {
                    sum = MathF.FusedMultiplyAdd(x0[k], TElements.Load<Scalar, float>(w, k), sum);
                }

                y[((long)row * _outputs) + output] += sum;
            }
        }
    }
}
