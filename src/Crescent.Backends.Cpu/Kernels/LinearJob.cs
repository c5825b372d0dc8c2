using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// y[r, n] (+)= Σₖ x[r, k] · w[n, k]. An item is a block of <see cref="BlockOutputs"/> outputs over all rows, so a
/// weight is read from memory once.
/// Every element is one accumulator vector that walks k in ascending order, its lanes summed at the end, then the
/// tail of k one by one: whichever tile computes it, the same operations in the same order (invariant 9).
/// </summary>
internal readonly unsafe struct LinearJob<TSimd, TVec, TElements>(
    float* x, byte* weight, long weightStride, float* y, int rows, int inputs, int outputs, bool accumulate) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    public const int BlockOutputs = 16;
    private const int Tile = 4;

    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        int first = item * BlockOutputs;
        int end = Math.Min(first + BlockOutputs, outputs);
        int row = 0;
        for (; row + Tile <= rows; row += Tile)
        {
            int output = first;
            for (; output + Tile <= end; output += Tile)
            {
                FourByFour(row, output);
            }

            for (; output < end; output++)
            {
                for (int r = row; r < row + Tile; r++)
                {
                    One(r, output);
                }
            }
        }

        for (; row < rows; row++)
        {
            int output = first;
            for (; output + Tile <= end; output += Tile)
            {
                OneByFour(row, output);
            }

            for (; output < end; output++)
            {
                One(row, output);
            }
        }
    }

    private int Vectors => inputs - (inputs % TSimd.Width);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Load(byte* w, int k) => TElements.Load<TSimd, TVec>(w, k);

    [MethodImpl(Kernel.FullyOptimised)]
    private void FourByFour(int row, int output)
    {
        float* x0 = x + ((long)row * inputs), x1 = x0 + inputs, x2 = x1 + inputs, x3 = x2 + inputs;
        byte* w0 = weight + (output * weightStride), w1 = w0 + weightStride, w2 = w1 + weightStride, w3 = w2 + weightStride;
        var zero = TSimd.Broadcast(0);
        TVec a00 = zero, a01 = zero, a02 = zero, a03 = zero, a10 = zero, a11 = zero, a12 = zero, a13 = zero;
        TVec a20 = zero, a21 = zero, a22 = zero, a23 = zero, a30 = zero, a31 = zero, a32 = zero, a33 = zero;
        int vectors = Vectors;
        for (int k = 0; k < vectors; k += TSimd.Width)
        {
            TVec v0 = TSimd.Load(x0 + k), v1 = TSimd.Load(x1 + k), v2 = TSimd.Load(x2 + k), v3 = TSimd.Load(x3 + k);
            var w = Load(w0, k);
            a00 = TSimd.Fma(v0, w, a00);
            a10 = TSimd.Fma(v1, w, a10);
            a20 = TSimd.Fma(v2, w, a20);
            a30 = TSimd.Fma(v3, w, a30);
            w = Load(w1, k);
            a01 = TSimd.Fma(v0, w, a01);
            a11 = TSimd.Fma(v1, w, a11);
            a21 = TSimd.Fma(v2, w, a21);
            a31 = TSimd.Fma(v3, w, a31);
            w = Load(w2, k);
            a02 = TSimd.Fma(v0, w, a02);
            a12 = TSimd.Fma(v1, w, a12);
            a22 = TSimd.Fma(v2, w, a22);
            a32 = TSimd.Fma(v3, w, a32);
            w = Load(w3, k);
            a03 = TSimd.Fma(v0, w, a03);
            a13 = TSimd.Fma(v1, w, a13);
            a23 = TSimd.Fma(v2, w, a23);
            a33 = TSimd.Fma(v3, w, a33);
        }

        Finish4(row, output, a00, a01, a02, a03);
        Finish4(row + 1, output, a10, a11, a12, a13);
        Finish4(row + 2, output, a20, a21, a22, a23);
        Finish4(row + 3, output, a30, a31, a32, a33);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void OneByFour(int row, int output)
    {
        float* x0 = x + ((long)row * inputs);
        byte* w0 = weight + (output * weightStride), w1 = w0 + weightStride, w2 = w1 + weightStride, w3 = w2 + weightStride;
        var zero = TSimd.Broadcast(0);
        TVec a0 = zero, a1 = zero, a2 = zero, a3 = zero;
        int vectors = Vectors;
        for (int k = 0; k < vectors; k += TSimd.Width)
        {
            var v = TSimd.Load(x0 + k);
            a0 = TSimd.Fma(v, Load(w0, k), a0);
            a1 = TSimd.Fma(v, Load(w1, k), a1);
            a2 = TSimd.Fma(v, Load(w2, k), a2);
            a3 = TSimd.Fma(v, Load(w3, k), a3);
        }

        Finish4(row, output, a0, a1, a2, a3);
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void One(int row, int output)
    {
        float* x0 = x + ((long)row * inputs);
        byte* w = weight + (output * weightStride);
        var sum = TSimd.Broadcast(0);
        int vectors = Vectors;
        for (int k = 0; k < vectors; k += TSimd.Width)
        {
            sum = TSimd.Fma(TSimd.Load(x0 + k), Load(w, k), sum);
        }

        Finish(row, output, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Finish4(int row, int output, TVec a, TVec b, TVec c, TVec d)
    {
        Finish(row, output, a);
        Finish(row, output + 1, b);
        Finish(row, output + 2, c);
        Finish(row, output + 3, d);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Finish(int row, int output, TVec sum)
    {
        float total = TSimd.Sum(sum);
        int vectors = Vectors;
        if (vectors < inputs)
        {
            total = Tail(row, output, total, vectors);
        }

        float* target = y + ((long)row * outputs) + output;
        *target = accumulate ? *target + total : total;
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private float Tail(int row, int output, float total, int from)
    {
        float* x0 = x + ((long)row * inputs);
        byte* w = weight + (output * weightStride);
        for (int k = from; k < inputs; k++)
        {
            total = MathF.FusedMultiplyAdd(x0[k], TElements.Load<Scalar, float>(w, k), total);
        }

        return total;
    }
}
