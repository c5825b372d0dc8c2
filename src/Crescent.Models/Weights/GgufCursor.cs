using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace Crescent.Models.Weights;

/// <summary>Reads a GGUF header front to back; never past the file or the header limit.</summary>
internal sealed class GgufCursor(MappedFile file)
{
    private readonly long _limit = Math.Min(file.Length, ModelFiles.MaxHeaderBytes);

    public long Position { get; private set; }

    public uint ReadUInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong ReadUInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    /// <summary>A u64 length and that many bytes of UTF-8; invalid ones are read as U+FFFD.</summary>
    public string ReadString() => Encoding.UTF8.GetString(Take(ReadUInt64()));

    /// <summary>A count of things that take at least <paramref name="minimumBytes"/> each.</summary>
    public int ReadCount(string what, int minimumBytes)
    {
        var count = ReadUInt64();
        return count <= (ulong)((_limit - Position) / minimumBytes)
            ? (int)count : throw new ModelFormatException(file.Path, $"{count} {what} do not fit the {Remaining}");
    }

    /// <summary>A metadata value of a GGUF type, boxed.</summary>
    public object ReadValue(string key)
    {
        var type = ReadUInt32();
        return type switch
        {
            0 => Take(1)[0],
            1 => (sbyte)Take(1)[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(Take(2)),
            3 => BinaryPrimitives.ReadInt16LittleEndian(Take(2)),
            4 => ReadUInt32(),
            5 => BinaryPrimitives.ReadInt32LittleEndian(Take(4)),
            6 => BinaryPrimitives.ReadSingleLittleEndian(Take(4)),
            7 => Take(1)[0] != 0,
            8 => ReadString(),
            9 => ReadArray(key),
            10 => ReadUInt64(),
            11 => BinaryPrimitives.ReadInt64LittleEndian(Take(8)),
            12 => BinaryPrimitives.ReadDoubleLittleEndian(Take(8)),
            _ => throw new ModelFormatException(file.Path, $"'{key}' has the unknown value type {type}"),
        };
    }

    private object ReadArray(string key)
    {
        var type = ReadUInt32();
        return type switch
        {
            0 => ReadNumbers<byte>(key),
            1 => ReadNumbers<sbyte>(key),
            2 => ReadNumbers<ushort>(key),
            3 => ReadNumbers<short>(key),
            4 => ReadNumbers<uint>(key),
            5 => ReadNumbers<int>(key),
            6 => ReadNumbers<float>(key),
            7 => Array.ConvertAll(ReadNumbers<byte>(key), value => value != 0),
            8 => ReadStrings(key),
            10 => ReadNumbers<ulong>(key),
            11 => ReadNumbers<long>(key),
            12 => ReadNumbers<double>(key),
            _ => throw new ModelFormatException(file.Path, $"'{key}' is an array of the unsupported type {type}"),
        };
    }

    private T[] ReadNumbers<T>(string key)
        where T : unmanaged
    {
        var size = Marshal.SizeOf<T>();
        var count = ReadCount($"values of '{key}'", size);
        return MemoryMarshal.Cast<byte, T>(Take((ulong)count * (ulong)size)).ToArray();
    }

    private string[] ReadStrings(string key)
    {
        var values = new string[ReadCount($"strings of '{key}'", sizeof(ulong))];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = ReadString();
        }

        return values;
    }

    private ReadOnlySpan<byte> Take(ulong bytes)
    {
        if (bytes > (ulong)(_limit - Position))
        {
            throw new ModelFormatException(file.Path, $"{bytes} bytes at {Position} do not fit the {Remaining}");
        }

        var span = file.Span(Position, (int)bytes);
        Position += (long)bytes;
        return span;
    }

    private string Remaining => _limit < file.Length
        ? $"header, which may have at most {_limit} bytes" : $"file, which is truncated at {_limit} bytes";
}
