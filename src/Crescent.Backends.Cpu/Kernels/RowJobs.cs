using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>output[i] = table[tokens[i]]; an item is a row.</summary>
internal readonly unsafe struct EmbedJob<TSimd, TVec, TElements>(
    byte* table, long stride, int* tokens, float* output, int columns) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        byte* source = table + (tokens[item] * stride);
        float* target = output + ((long)item * columns);
        int i = 0;
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

/// <summary>Root-mean-square norm of one run of <paramref name="columns"/> elements; an item is a run.</summary>
internal readonly unsafe struct RmsNormJob<TSimd, TVec>(
    float* input, float* weight, float epsilon, float* output, int columns) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        float* source = input + ((long)item * columns);
        float* target = output + ((long)item * columns);
        var squares = TSimd.Broadcast(0);
        int i = 0;
        for (; i + TSimd.Width <= columns; i += TSimd.Width)
        {
            var x = TSimd.Load(source + i);
            squares = TSimd.Fma(x, x, squares);
        }

        float sum = TSimd.Sum(squares);
        for (; i < columns; i++)
        {
            sum = MathF.FusedMultiplyAdd(source[i], source[i], sum);
        }

        float scale = 1 / MathF.Sqrt((sum / columns) + epsilon);
        var scales = TSimd.Broadcast(scale);
        for (i = 0; i + TSimd.Width <= columns; i += TSimd.Width)
        {
            TSimd.Store(target + i, TSimd.Mul(TSimd.Mul(TSimd.Load(source + i), scales), TSimd.Load(weight + i)));
        }

        for (; i < columns; i++)
        {
            target[i] = source[i] * scale * weight[i];
        }
    }
}

/// <summary>output = silu(gate) · up; an item is a row.</summary>
internal readonly unsafe struct SwiGluJob<TSimd, TVec>(float* gate, float* up, float* output, int columns) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        long offset = (long)item * columns;
        int i = 0;
        for (; i + TSimd.Width <= columns; i += TSimd.Width)
        {
            TSimd.Store(output + offset + i, SwiGlu<TSimd, TVec>(gate + offset + i, up + offset + i));
        }

        for (; i < columns; i++)
        {
            output[offset + i] = SwiGlu<Scalar, float>(gate + offset + i, up + offset + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TV SwiGlu<TS, TV>(float* gate, float* up)
        where TS : struct, ISimd<TV>
        where TV : unmanaged
    {
        var g = TS.Load(gate);
        var denominator = TS.Add(TS.Broadcast(1), Simd<TS, TV>.Exp(TS.Sub(TS.Broadcast(0), g)));
        return TS.Mul(TS.Div(g, denominator), TS.Load(up));
    }
}
