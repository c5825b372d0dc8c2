using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

internal static class MatrixTile
{
    public const int Rows = 4;
}

/// <summary>
/// c[i, n] += Σₖ a[i, k] · b[k, n] for up to <see cref="MatrixTile.Rows"/> rows i, in fp32. Every element is one chain over k in
/// ascending order, so its bits depend neither on the number of rows nor on the tile that computes it.
/// </summary>
/// <param name="a">[rows, aStride]; each element is broadcast.</param>
/// <param name="b">[depth], rows <paramref name="bStride"/> bytes apart; its vectors are shared by the rows.</param>
/// <param name="ahead">While b is read, what lies so many bytes on is fetched into the cache.</param>
/// <param name="c">[rows, cStride].</param>
internal readonly unsafe ref struct MatrixTile<TSimd, TVec, TElements>(
    float* a, int aStride, byte* b, long bStride, long ahead, float* c, int cStride, int depth)
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    /// <param name="rows">1 to <see cref="MatrixTile.Rows"/>.</param>
    /// <param name="columns">Columns of b and c.</param>
    public void Run(int rows, int columns)
    {
        switch (rows)
        {
            case 1:
                Run<One>(columns);
                break;
            case 2:
                Run<Two>(columns);
                break;
            case 3:
                Run<Three>(columns);
                break;
            default:
                Run<Four>(columns);
                break;
        }
    }

    private void Run<TRows>(int columns)
        where TRows : struct, IRows
    {
        int n = 0;
        for (; TSimd.Registers >= 32 && n + (4 * TSimd.Width) <= columns; n += 4 * TSimd.Width)
        {
            FourVectors<TRows>(n);
        }

        for (; n + (2 * TSimd.Width) <= columns; n += 2 * TSimd.Width)
        {
            TwoVectors<TRows>(n);
        }

        for (; n + TSimd.Width <= columns; n += TSimd.Width)
        {
            OneVector<TRows>(n);
        }

        for (; n < columns; n++)
        {
            Single(n, TRows.Count);
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void FourVectors<TRows>(int n)
        where TRows : struct, IRows
    {
        float* a0 = a, a1 = Row<TRows>(a, aStride, 1), a2 = Row<TRows>(a, aStride, 2), a3 = Row<TRows>(a, aStride, 3);
        float* c0 = c + n, c1 = Row<TRows>(c0, cStride, 1), c2 = Row<TRows>(c0, cStride, 2), c3 = Row<TRows>(c0, cStride, 3);
        TVec s00 = TSimd.Load(c0), s01 = TSimd.Load(c0 + TSimd.Width), s02 = TSimd.Load(c0 + (2 * TSimd.Width)), s03 = TSimd.Load(c0 + (3 * TSimd.Width));
        TVec s10 = TSimd.Load(c1), s11 = TSimd.Load(c1 + TSimd.Width), s12 = TSimd.Load(c1 + (2 * TSimd.Width)), s13 = TSimd.Load(c1 + (3 * TSimd.Width));
        TVec s20 = TSimd.Load(c2), s21 = TSimd.Load(c2 + TSimd.Width), s22 = TSimd.Load(c2 + (2 * TSimd.Width)), s23 = TSimd.Load(c2 + (3 * TSimd.Width));
        TVec s30 = TSimd.Load(c3), s31 = TSimd.Load(c3 + TSimd.Width), s32 = TSimd.Load(c3 + (2 * TSimd.Width)), s33 = TSimd.Load(c3 + (3 * TSimd.Width));
        byte* w = b;
        for (long k = 0; k < depth; k++, w += bStride)
        {
            if (ahead != 0)
            {
                Prefetch(w + ahead, n, 4);
            }

            TElements.LoadPair<TSimd, TVec>(w, n, null, out var v0, out var v1);
            TElements.LoadPair<TSimd, TVec>(w, n + (2 * TSimd.Width), null, out var v2, out var v3);
            var x0 = TSimd.Broadcast(a0[k]);
            s00 = TSimd.Fma(x0, v0, s00);
            s01 = TSimd.Fma(x0, v1, s01);
            s02 = TSimd.Fma(x0, v2, s02);
            s03 = TSimd.Fma(x0, v3, s03);

            if (TRows.Count > 1)
            {
                var x1 = TSimd.Broadcast(a1[k]);
                s10 = TSimd.Fma(x1, v0, s10);
                s11 = TSimd.Fma(x1, v1, s11);
                s12 = TSimd.Fma(x1, v2, s12);
                s13 = TSimd.Fma(x1, v3, s13);
            }

            if (TRows.Count > 2)
            {
                var x2 = TSimd.Broadcast(a2[k]);
                s20 = TSimd.Fma(x2, v0, s20);
                s21 = TSimd.Fma(x2, v1, s21);
                s22 = TSimd.Fma(x2, v2, s22);
                s23 = TSimd.Fma(x2, v3, s23);
            }

            if (TRows.Count > 3)
            {
                var x3 = TSimd.Broadcast(a3[k]);
                s30 = TSimd.Fma(x3, v0, s30);
                s31 = TSimd.Fma(x3, v1, s31);
                s32 = TSimd.Fma(x3, v2, s32);
                s33 = TSimd.Fma(x3, v3, s33);
            }
        }

        // From the last: rows that are not there repeat the one before and must not overwrite it later.
        Store4(c3, s30, s31, s32, s33);
        Store4(c2, s20, s21, s22, s23);
        Store4(c1, s10, s11, s12, s13);
        Store4(c0, s00, s01, s02, s03);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void TwoVectors<TRows>(int n)
        where TRows : struct, IRows
    {
        float* a0 = a, a1 = Row<TRows>(a, aStride, 1), a2 = Row<TRows>(a, aStride, 2), a3 = Row<TRows>(a, aStride, 3);
        float* c0 = c + n, c1 = Row<TRows>(c0, cStride, 1), c2 = Row<TRows>(c0, cStride, 2), c3 = Row<TRows>(c0, cStride, 3);
        TVec s00 = TSimd.Load(c0), s01 = TSimd.Load(c0 + TSimd.Width);
        TVec s10 = TSimd.Load(c1), s11 = TSimd.Load(c1 + TSimd.Width);
        TVec s20 = TSimd.Load(c2), s21 = TSimd.Load(c2 + TSimd.Width);
        TVec s30 = TSimd.Load(c3), s31 = TSimd.Load(c3 + TSimd.Width);
        byte* w = b;
        for (long k = 0; k < depth; k++, w += bStride)
        {
            if (ahead != 0)
            {
                Prefetch(w + ahead, n, 2);
            }

            TElements.LoadPair<TSimd, TVec>(w, n, null, out var v0, out var v1);
            var x0 = TSimd.Broadcast(a0[k]);
            s00 = TSimd.Fma(x0, v0, s00);
            s01 = TSimd.Fma(x0, v1, s01);

            if (TRows.Count > 1)
            {
                var x1 = TSimd.Broadcast(a1[k]);
                s10 = TSimd.Fma(x1, v0, s10);
                s11 = TSimd.Fma(x1, v1, s11);
            }

            if (TRows.Count > 2)
            {
                var x2 = TSimd.Broadcast(a2[k]);
                s20 = TSimd.Fma(x2, v0, s20);
                s21 = TSimd.Fma(x2, v1, s21);
            }

            if (TRows.Count > 3)
            {
                var x3 = TSimd.Broadcast(a3[k]);
                s30 = TSimd.Fma(x3, v0, s30);
                s31 = TSimd.Fma(x3, v1, s31);
            }
        }

        Store2(c3, s30, s31);
        Store2(c2, s20, s21);
        Store2(c1, s10, s11);
        Store2(c0, s00, s01);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void OneVector<TRows>(int n)
        where TRows : struct, IRows
    {
        float* a0 = a, a1 = Row<TRows>(a, aStride, 1), a2 = Row<TRows>(a, aStride, 2), a3 = Row<TRows>(a, aStride, 3);
        float* c0 = c + n, c1 = Row<TRows>(c0, cStride, 1), c2 = Row<TRows>(c0, cStride, 2), c3 = Row<TRows>(c0, cStride, 3);
        TVec s00 = TSimd.Load(c0);
        TVec s10 = TSimd.Load(c1);
        TVec s20 = TSimd.Load(c2);
        TVec s30 = TSimd.Load(c3);
        byte* w = b;
        for (long k = 0; k < depth; k++, w += bStride)
        {
            var v0 = TElements.Load<TSimd, TVec>(w, n);
            var x0 = TSimd.Broadcast(a0[k]);
            s00 = TSimd.Fma(x0, v0, s00);

            if (TRows.Count > 1)
            {
                var x1 = TSimd.Broadcast(a1[k]);
                s10 = TSimd.Fma(x1, v0, s10);
            }

            if (TRows.Count > 2)
            {
                var x2 = TSimd.Broadcast(a2[k]);
                s20 = TSimd.Fma(x2, v0, s20);
            }

            if (TRows.Count > 3)
            {
                var x3 = TSimd.Broadcast(a3[k]);
                s30 = TSimd.Fma(x3, v0, s30);
            }
        }

        TSimd.Store(c3, s30);
        TSimd.Store(c2, s20);
        TSimd.Store(c1, s10);
        TSimd.Store(c0, s00);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Single(int n, int rows)
    {
        for (int row = 0; row < rows; row++)
        {
            float* target = c + ((long)row * cStride) + n;
            float sum = *target;
            for (long k = 0; k < depth; k++)
            {
                sum = MathF.FusedMultiplyAdd(a[((long)row * aStride) + k], TElements.Load<Scalar, float>(b + (k * bStride), n), sum);
            }

            *target = sum;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Prefetch(byte* row, int n, int vectors)
    {
        row += TElements.Offset(n);
        TSimd.Prefetch(row);
        if (TElements.Offset(vectors * TSimd.Width) > 64)
        {
            TSimd.Prefetch(row + 64);
        }

        if (TElements.Offset(vectors * TSimd.Width) > 128)
        {
            TSimd.Prefetch(row + 128);
            TSimd.Prefetch(row + 192);
        }
    }

    /// <summary>The row, or the last there is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float* Row<TRows>(float* first, int stride, int row)
        where TRows : struct, IRows => first + ((long)Math.Min(row, TRows.Count - 1) * stride);

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

    /// <summary>A number of rows that is known when the kernel is compiled.</summary>
    private interface IRows
    {
        static abstract int Count { get; }
    }

    private readonly struct One : IRows
    {
        public static int Count => 1;
    }

    private readonly struct Two : IRows
    {
        public static int Count => 2;
    }

    private readonly struct Three : IRows
    {
        public static int Count => 3;
    }

    private readonly struct Four : IRows
    {
        public static int Count => 4;
    }
}
