namespace Crescent.Backends.Cpu;

/// <summary>
/// Between the interchange layout of <see cref="KvLayout"/> (per layer K[kvHead][position][dim], then V) and this
/// backend's own (per layer and KV head K[dim][position], then V[position][dim]).
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
}
