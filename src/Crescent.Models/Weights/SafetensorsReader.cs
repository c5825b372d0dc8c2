using System.Buffers.Binary;

namespace Crescent.Models.Weights;

/// <summary>
/// Reads a safetensors header: u64 length, JSON {name: {dtype, shape, data_offsets}}, then the data the offsets
/// count from (github.com/huggingface/safetensors, "Format").
/// </summary>
internal static class SafetensorsReader
{
    /// <exception cref="ModelFormatException">The header is broken or a tensor is outside of the file.</exception>
    public static Dictionary<string, StoredTensor> Read(MappedFile file)
    {
        if (file.Length < 8)
        {
            throw new ModelFormatException(file.Path, $"{file.Length} bytes are too few for a safetensors file");
        }

        var headerLength = BinaryPrimitives.ReadUInt64LittleEndian(file.Span(0, 8));
        if (headerLength > ModelFiles.MaxHeaderBytes)
        {
            throw new ModelFormatException(
                file.Path, $"a header of {headerLength} bytes is over the limit of {ModelFiles.MaxHeaderBytes}");
        }

        if ((long)headerLength > file.Length - 8)
        {
            throw new ModelFormatException(
                file.Path, $"the file is truncated: the header has {headerLength} bytes and {file.Length - 8} remain");
        }

        var tensors = new Dictionary<string, StoredTensor>();
        using var header = JsonFile.Parse(file.Path, file.Span(8, (int)headerLength).ToArray());
        foreach (var (name, entry) in header.Root.Fields())
        {
            if (name == "__metadata__")
            {
                continue;
            }

            if (!tensors.TryAdd(name, ReadTensor(file, name, entry, 8 + (long)headerLength)))
            {
                throw new ModelFormatException(file.Path, $"tensor '{name}' is there twice");
            }
        }

        StoredTensor.CheckOverlaps(tensors.Values);
        return tensors;
    }

    private static StoredTensor ReadTensor(MappedFile file, string name, JsonField entry, long dataStart)
    {
        var typeName = entry.Required("dtype").Text();
        var shape = entry.Required("shape").Integers();
        var offsets = entry.Required("data_offsets").Integers();
        var available = file.Length - dataStart;
        if (Array.Exists(shape, size => size < 0) || StoredTensor.CountElements(shape) is not { } elements)
        {
            throw new ModelFormatException(
                file.Path, $"tensor '{name}' has the impossible shape {StoredTensor.Describe(shape)}");
        }

        if (offsets.Length != 2 || offsets[0] < 0 || offsets[1] < offsets[0])
        {
            throw new ModelFormatException(
                file.Path, $"tensor '{name}' has the impossible data_offsets {StoredTensor.Describe(offsets)}");
        }

        if (offsets[1] > available)
        {
            throw new ModelFormatException(
                file.Path, $"tensor '{name}' ends at byte {offsets[1]} of the data, of which the file has {available} bytes");
        }

        var bytes = offsets[1] - offsets[0];
        if (ElementSize(typeName) is { } size && bytes != elements * size)
        {
            throw new ModelFormatException(
                file.Path,
                $"tensor '{name}' of shape {StoredTensor.Describe(shape)} in {typeName} needs {elements * size} bytes and has {bytes}");
        }

        return new StoredTensor(file, name, typeName, ToDType(typeName), shape, dataStart + offsets[0], bytes);
    }

    private static DType? ToDType(string name) => name switch
    {
        "F32" => DType.F32,
        "F16" => DType.F16,
        "BF16" => DType.BF16,
        _ => null,
    };

    private static int? ElementSize(string name) => name switch
    {
        "F64" or "I64" or "U64" => 8,
        "F32" or "I32" or "U32" => 4,
        "F16" or "BF16" or "I16" or "U16" => 2,
        "I8" or "U8" or "BOOL" or "F8_E4M3" or "F8_E5M2" => 1,
        _ => null,
    };
}
