using System.Numerics;

namespace Crescent.Models.Weights;

/// <summary>
/// A GGUF file of version 2 or 3, little-endian: magic, version, counts, key-value pairs, tensor infos, padding,
/// data (github.com/ggml-org/ggml, docs/gguf.md).
/// </summary>
internal sealed class GgufReader
{
    private const uint Magic = 0x46554747;
    private const uint DefaultAlignment = 32;

    /// <summary>A tensor info has at least a name's length, a dimension count, a type and an offset.</summary>
    private const int MinimumTensorInfo = 8 + 4 + 4 + 8;

    /// <summary>A pair has at least a key's length, a type and one byte.</summary>
    private const int MinimumPair = 8 + 4 + 1;

    private const int MaxDimensions = 4;

    private readonly MappedFile _file;
    private readonly Dictionary<string, object> _metadata = [];
    private readonly Dictionary<string, (long Start, int Length)> _pairs = [];
    private readonly Dictionary<string, StoredTensor> _tensors = [];

    /// <exception cref="ModelFormatException">The header is broken or a tensor is outside of the file.</exception>
    public GgufReader(MappedFile file)
    {
        _file = file;
        var cursor = new GgufCursor(file);
        if (cursor.ReadUInt32() != Magic)
        {
            throw new ModelFormatException(file.Path, "is not a GGUF file (a Hugging Face model is named by its folder)");
        }

        if (cursor.ReadUInt32() is var version and not (2 or 3))
        {
            throw new ModelFormatException(
                file.Path, $"GGUF version {version} is not supported (2 and 3 are, little-endian)");
        }

        var tensorCount = cursor.ReadCount("tensors", MinimumTensorInfo);
        var pairCount = cursor.ReadCount("key-value pairs", MinimumPair);
        ReadMetadata(cursor, pairCount);
        ReadTensors(cursor, tensorCount);
        StoredTensor.CheckOverlaps(_tensors.Values);
    }

    public IReadOnlyDictionary<string, object> Metadata => _metadata;

    public IReadOnlyDictionary<string, StoredTensor> Tensors => _tensors;

    /// <summary>Where each key-value pair is in the file.</summary>
    public IReadOnlyDictionary<string, (long Start, int Length)> Pairs => _pairs;

    private void ReadMetadata(GgufCursor cursor, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var start = cursor.Position;
            var key = cursor.ReadString();
            if (!_metadata.TryAdd(key, cursor.ReadValue(key)))
            {
                throw new ModelFormatException(_file.Path, $"key '{key}' is there twice");
            }

            _pairs.Add(key, (start, (int)(cursor.Position - start)));
        }
    }

    private void ReadTensors(GgufCursor cursor, int count)
    {
        var alignment = _metadata.GetValueOrDefault("general.alignment", DefaultAlignment) is uint value
            && BitOperations.IsPow2(value)
            ? value : throw new ModelFormatException(_file.Path, "'general.alignment' is not a power of two in a u32");
        var infos = new (string Name, long[] Shape, uint Type, ulong Offset)[count];
        for (var i = 0; i < count; i++)
        {
            var name = cursor.ReadString();
            infos[i] = (name, ReadShape(cursor, name), cursor.ReadUInt32(), cursor.ReadUInt64());
        }

        var dataStart = (cursor.Position + alignment - 1) / alignment * alignment;
        foreach (var info in infos)
        {
            if (info.Offset % alignment != 0)
            {
                throw new ModelFormatException(
                    _file.Path, $"tensor '{info.Name}' is at {info.Offset}, which is not a multiple of {alignment}");
            }

            if (!_tensors.TryAdd(info.Name, Locate(info.Name, info.Shape, info.Type, info.Offset, dataStart)))
            {
                throw new ModelFormatException(_file.Path, $"tensor '{info.Name}' is there twice");
            }
        }
    }

    /// <summary>The dimensions, slowest first; the file has the fastest first.</summary>
    private long[] ReadShape(GgufCursor cursor, string name)
    {
        var dimensions = cursor.ReadUInt32();
        if (dimensions > MaxDimensions)
        {
            throw new ModelFormatException(
                _file.Path, $"tensor '{name}' has {dimensions} dimensions, over the limit of {MaxDimensions}");
        }

        var shape = new long[dimensions];
        for (var i = shape.Length - 1; i >= 0; i--)
        {
            var size = cursor.ReadUInt64();
            shape[i] = size <= long.MaxValue ? (long)size : long.MaxValue;
        }

        return shape;
    }

    private StoredTensor Locate(string name, long[] shape, uint type, ulong offset, long dataStart)
    {
        if (StoredTensor.CountElements(shape) is not { } elements)
        {
            throw new ModelFormatException(
                _file.Path, $"tensor '{name}' has the impossible shape {StoredTensor.Describe(shape)}");
        }

        DType? dtype = type switch
        {
            0 => DType.F32,
            1 => DType.F16,
            8 => DType.Q8_0,
            12 => DType.Q4_K,
            30 => DType.BF16,
            _ => null,
        };
        var columns = shape.Length > 0 ? shape[^1] : 1;
        if (dtype is { } known && columns % known.RunLength() != 0)
        {
            throw new ModelFormatException(
                _file.Path, $"tensor '{name}' has rows of {columns} elements, which are not whole runs of {known}");
        }

        // Rows are whole runs, so the bytes of all elements in one row are those of the rows together.
        var bytes = dtype?.RowBytes(elements);
        var available = Math.Max(_file.Length - dataStart, 0);
        if (offset > (ulong)available || bytes > available - (long)offset)
        {
            throw new ModelFormatException(
                _file.Path,
                $"tensor '{name}' has {bytes ?? 0} bytes at {offset} of the data, of which the file has {available} bytes");
        }

        return new StoredTensor(_file, name, TypeName(type), dtype, shape, dataStart + (long)offset, bytes);
    }

    private static string TypeName(uint type) => type switch
    {
        0 => "F32",
        1 => "F16",
        2 => "Q4_0",
        3 => "Q4_1",
        6 => "Q5_0",
        7 => "Q5_1",
        8 => "Q8_0",
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        12 => "Q4_K",
        13 => "Q5_K",
        14 => "Q6_K",
        15 => "Q8_K",
        28 => "F64",
        30 => "BF16",
        _ => $"GGML type {type}",
    };
}
