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

/// <summary>Rotates one row's q and k and writes its k and v to the row's slot; an item is a row of the batch.</summary>
internal readonly unsafe struct RopeAndWriteKvJob(
    CpuTensor q, CpuTensor k, CpuTensor v, CpuTensor rotation, bool interleaved, CpuTensor pool, int layer, BlockId* slots, int* offsets) : IJob
{
    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        var layout = pool.Layout!;
        int dim = layout.HeadDim;
        float* cosines = rotation.Floats + ((long)item * dim);
        float* queries = q.Floats + ((long)item * q.Columns);
        float* keys = k.Floats + ((long)item * k.Columns);
        float* values = v.Floats + ((long)item * v.Columns);
        for (int head = 0; head < q.Columns / dim; head++)
        {
            Rotate(queries + (head * dim), cosines, dim);
        }

        byte* keyBlock = pool.Layer(slots[item], layer);
        byte* valueBlock = keyBlock + (layout.LayerBytes / 2);
        for (int head = 0; head < layout.KvHeads; head++)
        {
            Rotate(keys + (head * dim), cosines, dim);
            long element = (((long)head * layout.BlockSize) + offsets[item]) * dim;
            Write(keys + (head * dim), keyBlock, element, dim, layout.Type);
            Write(values + (head * dim), valueBlock, element, dim, layout.Type);
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Rotate(float* head, float* cosines, int dim)
    {
        int half = dim / 2;
        int step = interleaved ? 2 : 1;
        int distance = interleaved ? 1 : half;
        for (int i = 0; i < half; i++)
        {
            float cosine = cosines[i];
            float sine = cosines[half + i];
            float a = head[i * step];
            float b = head[(i * step) + distance];
            head[i * step] = (a * cosine) - (b * sine);
            head[(i * step) + distance] = (a * sine) + (b * cosine);
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private static void Write(float* source, byte* block, long element, int dim, DType type)
    {
        if (type == DType.F32)
        {
            new ReadOnlySpan<float>(source, dim).CopyTo(new Span<float>((float*)block + element, dim));
            return;
        }

        ushort* target = (ushort*)block + element;
        for (int i = 0; i < dim; i++)
        {
            target[i] = BF16Elements.Round(source[i]);
        }
    }
}
