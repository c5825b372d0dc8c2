using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

internal static class PanelTile
{
    /// <summary>Outputs of a panel.</summary>
    public const int Outputs = 6;
}

/// <summary>
/// y[r, n] += Σ x[r, k] · w[n, k] over one chunk of k, from a panel of fp32 weights [step][output][lane]. Every element
/// is one accumulator vector; the register file holds 4 × 6 of them (2 × 6 where there are 16 registers), so each
/// weight vector is loaded once for 4 rows and each input vector once for 6 outputs.
/// </summary>
/// <param name="x">[rows, xStride], at the chunk's first k.</param>
/// <param name="steps">Vectors of k in the chunk.</param>
/// <param name="y">[rows, yStride], at the panel's first output.</param>
internal readonly unsafe ref struct PanelTile<TSimd, TVec>(float* x, int xStride, float* panel, int steps, float* y, int yStride)
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public void Run(int rows, int outputs)
    {
        int row = 0;
        for (; TSimd.Registers >= 32 && row + 4 <= rows; row += 4)
        {
            FourRows(row, outputs);
        }

        for (; row + 2 <= rows; row += 2)
        {
            TwoRows(row, outputs);
        }

        if (row < rows)
        {
            OneRow(row, outputs);
        }
    }

    /// <summary>target[0..4] += sums.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Add4(float* target, Vector128<float> sums) => (Vector128.Load(target) + sums).Store(target);

    [MethodImpl(Kernel.FullyOptimised)]
    private void FourRows(int row, int outputs)
    {
        float* x0 = x + ((long)row * xStride), x1 = x0 + xStride, x2 = x1 + xStride, x3 = x2 + xStride;
        float* w = panel;
        var zero = TSimd.Broadcast(0);
        TVec a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        TVec b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        TVec c0 = zero, c1 = zero, c2 = zero, c3 = zero, c4 = zero, c5 = zero;
        TVec d0 = zero, d1 = zero, d2 = zero, d3 = zero, d4 = zero, d5 = zero;
        float* stop = panel + ((long)steps * PanelTile.Outputs * TSimd.Width);
        for (long k = 0; w < stop; k += TSimd.Width, w += PanelTile.Outputs * TSimd.Width)
        {
            TVec p = TSimd.Load(x0 + k), q = TSimd.Load(x1 + k), r = TSimd.Load(x2 + k), s = TSimd.Load(x3 + k);
            var v = TSimd.Load(w);
            a0 = TSimd.Fma(p, v, a0);
            b0 = TSimd.Fma(q, v, b0);
            c0 = TSimd.Fma(r, v, c0);
            d0 = TSimd.Fma(s, v, d0);
            v = TSimd.Load(w + TSimd.Width);
            a1 = TSimd.Fma(p, v, a1);
            b1 = TSimd.Fma(q, v, b1);
            c1 = TSimd.Fma(r, v, c1);
            d1 = TSimd.Fma(s, v, d1);
            v = TSimd.Load(w + (2 * TSimd.Width));
            a2 = TSimd.Fma(p, v, a2);
            b2 = TSimd.Fma(q, v, b2);
            c2 = TSimd.Fma(r, v, c2);
            d2 = TSimd.Fma(s, v, d2);
            v = TSimd.Load(w + (3 * TSimd.Width));
            a3 = TSimd.Fma(p, v, a3);
            b3 = TSimd.Fma(q, v, b3);
            c3 = TSimd.Fma(r, v, c3);
            d3 = TSimd.Fma(s, v, d3);
            v = TSimd.Load(w + (4 * TSimd.Width));
            a4 = TSimd.Fma(p, v, a4);
            b4 = TSimd.Fma(q, v, b4);
            c4 = TSimd.Fma(r, v, c4);
            d4 = TSimd.Fma(s, v, d4);
            v = TSimd.Load(w + (5 * TSimd.Width));
            a5 = TSimd.Fma(p, v, a5);
            b5 = TSimd.Fma(q, v, b5);
            c5 = TSimd.Fma(r, v, c5);
            d5 = TSimd.Fma(s, v, d5);
        }

        Add(row, outputs, TSimd.Sum4(a0, a1, a2, a3), TSimd.Sum4(a4, a5, b4, b5), TSimd.Sum4(b0, b1, b2, b3));
        Add(row + 2, outputs, TSimd.Sum4(c0, c1, c2, c3), TSimd.Sum4(c4, c5, d4, d5), TSimd.Sum4(d0, d1, d2, d3));
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void TwoRows(int row, int outputs)
    {
        float* x0 = x + ((long)row * xStride), x1 = x0 + xStride;
        float* w = panel;
        var zero = TSimd.Broadcast(0);
        TVec a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        TVec b0 = zero, b1 = zero, b2 = zero, b3 = zero, b4 = zero, b5 = zero;
        for (int step = 0; step < steps; step++, w += PanelTile.Outputs * TSimd.Width)
        {
            TVec p = TSimd.Load(x0 + (step * TSimd.Width)), q = TSimd.Load(x1 + (step * TSimd.Width));
            var v = TSimd.Load(w);
            a0 = TSimd.Fma(p, v, a0);
            b0 = TSimd.Fma(q, v, b0);
            v = TSimd.Load(w + TSimd.Width);
            a1 = TSimd.Fma(p, v, a1);
            b1 = TSimd.Fma(q, v, b1);
            v = TSimd.Load(w + (2 * TSimd.Width));
            a2 = TSimd.Fma(p, v, a2);
            b2 = TSimd.Fma(q, v, b2);
            v = TSimd.Load(w + (3 * TSimd.Width));
            a3 = TSimd.Fma(p, v, a3);
            b3 = TSimd.Fma(q, v, b3);
            v = TSimd.Load(w + (4 * TSimd.Width));
            a4 = TSimd.Fma(p, v, a4);
            b4 = TSimd.Fma(q, v, b4);
            v = TSimd.Load(w + (5 * TSimd.Width));
            a5 = TSimd.Fma(p, v, a5);
            b5 = TSimd.Fma(q, v, b5);
        }

        Add(row, outputs, TSimd.Sum4(a0, a1, a2, a3), TSimd.Sum4(a4, a5, b4, b5), TSimd.Sum4(b0, b1, b2, b3));
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void OneRow(int row, int outputs)
    {
        float* x0 = x + ((long)row * xStride);
        float* w = panel;
        var zero = TSimd.Broadcast(0);
        TVec a0 = zero, a1 = zero, a2 = zero, a3 = zero, a4 = zero, a5 = zero;
        for (int step = 0; step < steps; step++, w += PanelTile.Outputs * TSimd.Width)
        {
            var p = TSimd.Load(x0 + (step * TSimd.Width));
            a0 = TSimd.Fma(p, TSimd.Load(w), a0);
            a1 = TSimd.Fma(p, TSimd.Load(w + TSimd.Width), a1);
            a2 = TSimd.Fma(p, TSimd.Load(w + (2 * TSimd.Width)), a2);
            a3 = TSimd.Fma(p, TSimd.Load(w + (3 * TSimd.Width)), a3);
            a4 = TSimd.Fma(p, TSimd.Load(w + (4 * TSimd.Width)), a4);
            a5 = TSimd.Fma(p, TSimd.Load(w + (5 * TSimd.Width)), a5);
        }

        AddRow(row, outputs, TSimd.Sum4(a0, a1, a2, a3), TSimd.Sum4(a4, a5, a4, a5).GetLower());
    }

    /// <summary>Adds the sums of two rows: outputs 0–3 of the first, 4–5 of both, 0–3 of the second.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Add(int row, int outputs, Vector128<float> first, Vector128<float> both, Vector128<float> second)
    {
        AddRow(row, outputs, first, both.GetLower());
        AddRow(row + 1, outputs, second, both.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void AddRow(int row, int outputs, Vector128<float> four, Vector64<float> two)
    {
        float* target = y + ((long)row * yStride);
        if (outputs == PanelTile.Outputs)
        {
            Add4(target, four);
            (Vector64.Load(target + 4) + two).Store(target + 4);
            return;
        }

        for (int n = 0; n < outputs; n++)
        {
            target[n] += n < 4 ? four.GetElement(n) : two.GetElement(n - 4);
        }
    }
}
