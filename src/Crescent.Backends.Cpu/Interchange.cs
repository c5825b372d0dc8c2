using Crescent.Backends.Cpu.Kernels;

namespace Crescent.Backends.Cpu;

/// <summary>
/// Between the interchange layout of <see cref="KvLayout"/> (per layer K[kvHead][position][dim], then V) and this
/// backend's own, per layer and KV head: K[dim][position], then V[position][dim]; Q8_0 as <see cref="Q8Layout"/> says.
/// </summary>
internal static unsafe class Interchange
{
    public static void Copy(CpuTensor pool, BlockId block, int firstLayer, int layers, byte* outside, bool inward)
    {
        var layout = pool.Layout!;
        long headBytes = layout.LayerBytes / 2 / layout.KvHeads;
        for (int layer = firstLayer; layer < firstLayer + layers; layer++, outside += layout.LayerBytes)
        {
            for (int head = 0; head < layout.KvHeads; head++)
            {
                byte* device = pool.Head(block, layer, head);
                byte* keys = outside + (head * headBytes);
                byte* values = keys + (layout.LayerBytes / 2);
                if (layout.Type == DType.Q8_0)
                {
                    CopyRuns(layout, device, keys, values, inward);
                }
                else
                {
                    CopyElements(layout, device, keys, values, headBytes, inward);
                }
            }
        }
    }

    private static void CopyElements(KvLayout layout, byte* device, byte* keys, byte* values, long headBytes, bool inward)
    {
        if (inward)
        {
            Transpose(keys, device, layout.BlockSize, layout.HeadDim, layout.Type);
            Buffer.MemoryCopy(values, device + headBytes, headBytes, headBytes);
        }
        else
        {
            Transpose(device, keys, layout.HeadDim, layout.BlockSize, layout.Type);
            Buffer.MemoryCopy(device + headBytes, values, headBytes, headBytes);
        }
    }

    /// <summary>target [columns, rows] = the transpose of source [rows, columns].</summary>
    private static void Transpose(byte* source, byte* target, int rows, int columns, DType type)
    {
        if (type == DType.F32)
        {
            Transpose((uint*)source, (uint*)target, rows, columns);
        }
        else
        {
            Transpose((ushort*)source, (ushort*)target, rows, columns);
        }
    }

    private static void Transpose<TElement>(TElement* source, TElement* target, int rows, int columns)
        where TElement : unmanaged
    {
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                target[((long)column * rows) + row] = source[((long)row * columns) + column];
            }
        }
    }

    private static void CopyRuns(KvLayout layout, byte* device, byte* keys, byte* values, bool inward)
    {
        int positions = layout.BlockSize;
        int runs = layout.HeadDim / Q8Layout.RunLength;
        for (int position = 0; position < positions; position++)
        {
            for (int run = 0; run < runs; run++)
            {
                long element = DType.Q8_0.RowBytes((((long)position * runs) + run) * Q8Layout.RunLength);
                byte* deviceKeys = device + Q8Layout.Run(positions, run);
                byte* deviceValues = device + Q8Layout.Run(positions, runs + run);
                CopyRun(deviceKeys + position, positions, Q8Layout.Scales(deviceKeys, positions) + position, keys + element, inward);
                CopyRun(deviceValues + (position * Q8Layout.RunLength), 1, Q8Layout.Scales(deviceValues, positions) + position, values + element, inward);
            }
        }
    }

    private static void CopyRun(byte* device, int stride, ushort* scale, byte* run, bool inward)
    {
        byte* elements = run + sizeof(ushort);
        if (inward)
        {
            *scale = *(ushort*)run;
        }
        else
        {
            *(ushort*)run = *scale;
        }

        for (int i = 0; i < Q8Layout.RunLength; i++)
        {
            if (inward)
            {
                device[i * stride] = elements[i];
            }
            else
            {
                elements[i] = device[i * stride];
            }
        }
    }
}
