using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>Where a row's KV goes: a block of the pool and a position in it.</summary>
internal readonly record struct KvSlot(BlockId Block, int Offset);

/// <summary>
/// Rotates q and k of <see cref="Rows"/> rows of the batch and writes their k and v to the rows' slots; an item is such
/// a run of rows. Each element becomes x · cos + partner · (± sin), its partner the other element of its pair.
/// </summary>
internal readonly unsafe struct RopeJob<TSimd, TVec>(
    CpuTensor q, CpuTensor k, CpuTensor v, CpuTensor rotation, bool interleaved, CpuTensor pool, int layer, KvSlot* slots, int rows) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public const int Rows = 16;

    [MethodImpl(Kernel.FullyOptimised)]
    public void Execute(int item)
    {
        int dim = pool.Layout!.HeadDim;
        float* cosines = stackalloc float[3 * dim];
        float* sines = cosines + dim;
        float* rotated = sines + dim;
        for (int row = item * Rows; row < Math.Min(rows, (item + 1) * Rows); row++)
        {
            Spread(rotation.Floats + ((long)row * dim), cosines, sines, dim / 2);
            float* queries = q.Floats + ((long)row * q.Columns);
            for (int head = 0; head < q.Columns; head += dim)
            {
                Rotate(queries + head, cosines, sines, rotated, dim);
            }

            float* keys = k.Floats + ((long)row * k.Columns);
            for (int head = 0; head < k.Columns; head += dim)
            {
                Rotate(keys + head, cosines, sines, rotated, dim);
            }

            WriteKv(keys, v.Floats + ((long)row * v.Columns), slots[row]);
        }
    }

    /// <summary>From dim/2 cosines and sines to one of each per element, the sine with its sign.</summary>
    private void Spread(float* source, float* cosines, float* sines, int half)
    {
        int step = interleaved ? 2 : 1;
        int partner = interleaved ? 1 : half;
        for (int i = 0; i < half; i++)
        {
            cosines[i * step] = cosines[(i * step) + partner] = source[i];
            sines[(i * step) + partner] = source[half + i];
            sines[i * step] = -source[half + i];
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void Rotate(float* head, float* cosines, float* sines, float* partners, int dim)
    {
        if (interleaved)
        {
            for (int j = 0; j < dim; j++)
            {
                partners[j] = head[j ^ 1];
            }
        }
        else
        {
            Unsafe.CopyBlock(partners, head + (dim / 2), (uint)(dim / 2 * sizeof(float)));
            Unsafe.CopyBlock(partners + (dim / 2), head, (uint)(dim / 2 * sizeof(float)));
        }

        int i = 0;
        for (; i + TSimd.Width <= dim; i += TSimd.Width)
        {
            var turned = TSimd.Mul(TSimd.Load(partners + i), TSimd.Load(sines + i));
            TSimd.Store(head + i, TSimd.Fma(TSimd.Load(head + i), TSimd.Load(cosines + i), turned));
        }

        for (; i < dim; i++)
        {
            head[i] = MathF.FusedMultiplyAdd(head[i], cosines[i], partners[i] * sines[i]);
        }
    }

    private void WriteKv(float* keys, float* values, KvSlot slot)
    {
        int dim = pool.Layout!.HeadDim;
        for (int head = 0; head < pool.Layout.KvHeads; head++, keys += dim, values += dim)
        {
            byte* block = pool.Head(slot.Block, layer, head);
            if (pool.Type == DType.Q8_0)
            {
                WriteRuns(keys, values, block, slot.Offset);
            }
            else
            {
                WriteElements(keys, values, block, slot.Offset);
            }
        }
    }

    /// <summary>A key is a column of K [dim, positions], a value a row of V [positions, dim] behind it.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    private void WriteElements(float* key, float* value, byte* block, int offset)
    {
        int dim = pool.Layout!.HeadDim;
        int positions = pool.Layout.BlockSize;
        long row = (long)(positions + offset) * dim;
        for (int i = 0; i < dim; i++)
        {
            if (pool.Type == DType.F32)
            {
                ((float*)block)[(i * positions) + offset] = key[i];
                ((float*)block)[row + i] = value[i];
            }
            else
            {
                ((ushort*)block)[(i * positions) + offset] = BF16Elements.Round(key[i]);
                ((ushort*)block)[row + i] = BF16Elements.Round(value[i]);
            }
        }
    }

    private void WriteRuns(float* key, float* value, byte* block, int offset)
    {
        int runs = pool.Layout!.HeadDim / Q8Layout.RunLength;
        int positions = pool.Layout.BlockSize;
        for (int run = 0; run < runs; run++, key += Q8Layout.RunLength, value += Q8Layout.RunLength)
        {
            byte* keys = block + Q8Layout.Run(positions, run);
            byte* values = block + Q8Layout.Run(positions, runs + run);
            Q8Layout.Write(key, keys + offset, positions, Q8Layout.Scales(keys, positions) + offset);
            Q8Layout.Write(value, values + (offset * Q8Layout.RunLength), 1, Q8Layout.Scales(values, positions) + offset);
        }
    }
}
