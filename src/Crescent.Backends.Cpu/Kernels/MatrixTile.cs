using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// c[i, n] (+)= Σₖ a[i, k] · b[k, n] for up to <see cref="Rows"/> rows i, all fp32. Every element is one chain over k in
/// ascending order, so its bits depend neither on the number of rows nor on the tile that computes it.
/// </summary>
/// <param name="a">[rows, aStride]; each element is broadcast.</param>
/// <param name="b">[depth, bStride]; its vectors are shared by the rows.</param>
/// <param name="c">[rows, cStride].</param>
internal readonly unsafe ref struct MatrixTile<TSimd, TVec>(float* a, int aStride, float* b, int bStride, float* c, int cStride, int depth)
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public const int Rows = 4;

    /// <param name="rows">1 to <see cref="Rows"/>.</param>
    /// <param name="columns">Columns of b and c.</param>
    /// <param name="accumulate">Whether the sums start from what c holds; else from 0.</param>
    public void Run(int rows, int columns, bool accumulate)
    {
        int n = 0;
        for (; TSimd.Registers >= 32 && n + (4 * TSimd.Width) <= columns; n += 4 * TSimd.Width)
        {
            FourVectors(n, rows, accumulate);
        }

        for (; n + (2 * TSimd.Width) <= columns; n += 2 * TSimd.Width)
        {
            TwoVectors(n, rows, accumulate);
        }

        for (; n + TSimd.Width <= columns; n += TSimd.Width)
        {
            OneVector(n, rows, accumulate);
        }

        for (; n < columns; n++)
        {
            Single(n, rows, accumulate);
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void FourVectors(int n, int rows, bool accumulate)
    {
        float* a0 = a, a1 = Row(a, aStride, 1, rows), a2 = Row(a, aStride, 2, rows), a3 = Row(a, aStride, 3, rows);
        float* c0 = c + n, c1 = Row(c0, cStride, 1, rows), c2 = Row(c0, cStride, 2, rows), c3 = Row(c0, cStride, 3, rows);
        TVec s00 = Start(c0, 0, accumulate), s01 = Start(c0, 1, accumulate), s02 = Start(c0, 2, accumulate), s03 = Start(c0, 3, accumulate);
        TVec s10 = Start(c1, 0, accumulate), s11 = Start(c1, 1, accumulate), s12 = Start(c1, 2, accumulate), s13 = Start(c1, 3, accumulate);
        TVec s20 = Start(c2, 0, accumulate), s21 = Start(c2, 1, accumulate), s22 = Start(c2, 2, accumulate), s23 = Start(c2, 3, accumulate);
        TVec s30 = Start(c3, 0, accumulate), s31 = Start(c3, 1, accumulate), s32 = Start(c3, 2, accumulate), s33 = Start(c3, 3, accumulate);
        float* w = b + n;
        for (long k = 0; k < depth; k++, w += bStride)
        {
            TVec v0 = TSimd.Load(w), v1 = TSimd.Load(w + TSimd.Width), v2 = TSimd.Load(w + (2 * TSimd.Width)), v3 = TSimd.Load(w + (3 * TSimd.Width));
            var x = TSimd.Broadcast(a0[k]);
            s00 = TSimd.Fma(x, v0, s00);
            s01 = TSimd.Fma(x, v1, s01);
            s02 = TSimd.Fma(x, v2, s02);
            s03 = TSimd.Fma(x, v3, s03);
            x = TSimd.Broadcast(a1[k]);
            s10 = TSimd.Fma(x, v0, s10);
            s11 = TSimd.Fma(x, v1, s11);
            s12 = TSimd.Fma(x, v2, s12);
            s13 = TSimd.Fma(x, v3, s13);
            x = TSimd.Broadcast(a2[k]);
            s20 = TSimd.Fma(x, v0, s20);
            s21 = TSimd.Fma(x, v1, s21);
            s22 = TSimd.Fma(x, v2, s22);
            s23 = TSimd.Fma(x, v3, s23);
            x = TSimd.Broadcast(a3[k]);
            s30 = TSimd.Fma(x, v0, s30);
            s31 = TSimd.Fma(x, v1, s31);
            s32 = TSimd.Fma(x, v2, s32);
            s33 = TSimd.Fma(x, v3, s33);
        }

        // From the last: rows that are not there repeat the one before and must not overwrite it later.
        Store4(c3, s30, s31, s32, s33);
        Store4(c2, s20, s21, s22, s23);
        Store4(c1, s10, s11, s12, s13);
        Store4(c0, s00, s01, s02, s03);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void TwoVectors(int n, int rows, bool accumulate)
    {
        float* a0 = a, a1 = Row(a, aStride, 1, rows), a2 = Row(a, aStride, 2, rows), a3 = Row(a, aStride, 3, rows);
        float* c0 = c + n, c1 = Row(c0, cStride, 1, rows), c2 = Row(c0, cStride, 2, rows), c3 = Row(c0, cStride, 3, rows);
        TVec s00 = Start(c0, 0, accumulate), s01 = Start(c0, 1, accumulate), s10 = Start(c1, 0, accumulate), s11 = Start(c1, 1, accumulate);
        TVec s20 = Start(c2, 0, accumulate), s21 = Start(c2, 1, accumulate), s30 = Start(c3, 0, accumulate), s31 = Start(c3, 1, accumulate);
        float* w = b + n;
        for (long k = 0; k < depth; k++, w += bStride)
        {
            TVec v0 = TSimd.Load(w), v1 = TSimd.Load(w + TSimd.Width);
            var x = TSimd.Broadcast(a0[k]);
            s00 = TSimd.Fma(x, v0, s00);
            s01 = TSimd.Fma(x, v1, s01);
            x = TSimd.Broadcast(a1[k]);
            s10 = TSimd.Fma(x, v0, s10);
            s11 = TSimd.Fma(x, v1, s11);
            x = TSimd.Broadcast(a2[k]);
            s20 = TSimd.Fma(x, v0, s20);
            s21 = TSimd.Fma(x, v1, s21);
            x = TSimd.Broadcast(a3[k]);
            s30 = TSimd.Fma(x, v0, s30);
            s31 = TSimd.Fma(x, v1, s31);
        }

        Store2(c3, s30, s31);
        Store2(c2, s20, s21);
        Store2(c1, s10, s11);
        Store2(c0, s00, s01);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void OneVector(int n, int rows, bool accumulate)
    {
        float* a0 = a, a1 = Row(a, aStride, 1, rows), a2 = Row(a, aStride, 2, rows), a3 = Row(a, aStride, 3, rows);
        float* c0 = c + n, c1 = Row(c0, cStride, 1, rows), c2 = Row(c0, cStride, 2, rows), c3 = Row(c0, cStride, 3, rows);
        TVec s0 = Start(c0, 0, accumulate), s1 = Start(c1, 0, accumulate), s2 = Start(c2, 0, accumulate), s3 = Start(c3, 0, accumulate);
        float* w = b + n;
        for (long k = 0; k < depth; k++, w += bStride)
        {
            var v = TSimd.Load(w);
            s0 = TSimd.Fma(TSimd.Broadcast(a0[k]), v, s0);
            s1 = TSimd.Fma(TSimd.Broadcast(a1[k]), v, s1);
            s2 = TSimd.Fma(TSimd.Broadcast(a2[k]), v, s2);
            s3 = TSimd.Fma(TSimd.Broadcast(a3[k]), v, s3);
        }

        TSimd.Store(c3, s3);
        TSimd.Store(c2, s2);
        TSimd.Store(c1, s1);
        TSimd.Store(c0, s0);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Single(int n, int rows, bool accumulate)
    {
        for (int row = 0; row < rows; row++)
        {
            float* target = c + ((long)row * cStride) + n;
            float sum = accumulate ? *target : 0;
            for (long k = 0; k < depth; k++)
            {
                sum = MathF.FusedMultiplyAdd(a[((long)row * aStride) + k], b[(k * bStride) + n], sum);
            }

            *target = sum;
        }
    }

    /// <summary>The row, or the last there is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row(float* first, int stride, int row, int rows) => first + ((long)Math.Min(row, rows - 1) * stride);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Start(float* c, int vector, bool accumulate) =>
        accumulate ? TSimd.Load(c + (vector * TSimd.Width)) : TSimd.Broadcast(0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store2(float* c, TVec s0, TVec s1)
    {
        TSimd.Store(c, s0);
        TSimd.Store(c + TSimd.Width, s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store4(float* c, TVec s0, TVec s1, TVec s2, TVec s3)
    {
        Store2(c, s0, s1);
        Store2(c + (2 * TSimd.Width), s2, s3);
    }
}
