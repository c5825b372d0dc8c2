namespace Crescent.Models.Weights;

/// <summary>A tensor as its file describes it. Its bytes are inside the file when <see cref="Bytes"/> is known.</summary>
/// <param name="Name">In the file's spelling.</param>
/// <param name="TypeName">In the file's spelling.</param>
/// <param name="Type">null for types that weights cannot have.</param>
/// <param name="Shape">Slowest dimension first.</param>
/// <param name="Offset">From the start of the file.</param>
/// <param name="Bytes">null when the type's size is not known.</param>
internal sealed record StoredTensor(
    MappedFile File, string Name, string TypeName, DType? Type, long[] Shape, long Offset, long? Bytes)
{
    public static string Describe(ReadOnlySpan<long> shape)
    {
        var text = new System.Text.StringBuilder("[");
        for (var i = 0; i < shape.Length; i++)
        {
            text.Append(i > 0 ? ", " : "").Append(shape[i]);
        }

        return text.Append(']').ToString();
    }

    /// <summary>Product of the dimensions, or null when it is over 2^60.</summary>
    public static long? CountElements(ReadOnlySpan<long> shape)
    {
        UInt128 count = 1;
        foreach (var size in shape)
        {
            count *= (ulong)size;
            if (count > 1UL << 60)
            {
                return null;
            }
        }

        return (long)count;
    }

    /// <exception cref="ModelFormatException">Two tensors share bytes.</exception>
    public static void CheckOverlaps(IEnumerable<StoredTensor> tensors)
    {
        StoredTensor? last = null;
        foreach (var tensor in tensors.Where(t => t.Bytes > 0).OrderBy(t => t.Offset))
        {
            if (last is not null && tensor.Offset < last.Offset + last.Bytes)
            {
                throw new ModelFormatException(tensor.File.Path, $"tensors '{last.Name}' and '{tensor.Name}' overlap");
            }

            last = tensor;
        }
    }
}
