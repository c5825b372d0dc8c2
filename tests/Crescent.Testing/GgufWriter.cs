using System.Text;

namespace Crescent.Testing;

/// <summary>A tensor as GGUF has it.</summary>
/// <param name="Type">0: F32, 1: F16, 8: Q8_0, 30: BF16; others by their number.</param>
/// <param name="Shape">Slowest dimension first; the file has it reversed.</param>
public sealed record GgufTensor(string Name, uint Type, long[] Shape, byte[] Data)
{
    /// <summary>Set on a tensor that is made while it is written; <see cref="Data"/> is empty then.</summary>
    public StreamedBytes? Streamed { get; init; }

    internal StreamedBytes Bytes => Streamed ?? new StreamedBytes(Data.Length, stream => stream.Write(Data));
}

/// <summary>A GGUF file to be edited and written.</summary>
public sealed class GgufWriter
{
    /// <summary>string, bool, a number, or an array of one of these, written in exactly that type.</summary>
    public List<KeyValuePair<string, object>> Metadata { get; } = [];

    public List<GgufTensor> Tensors { get; } = [];

    public uint Version { get; init; } = 3;

    /// <summary>A value other than 32 wants the key general.alignment too.</summary>
    public int Alignment { get; init; } = 32;

    /// <summary>Sets or replaces a pair; null removes it.</summary>
    public object? this[string key]
    {
        set
        {
            Metadata.RemoveAll(pair => pair.Key == key);
            if (value is not null)
            {
                Metadata.Add(new(key, value));
            }
        }
    }

    public byte[] ToBytes()
    {
        using var file = new MemoryStream();
        WriteTo(file);
        return file.ToArray();
    }

    /// <param name="file">Seekable and empty.</param>
    public void WriteTo(Stream file)
    {
        using var writer = new BinaryWriter(file, Encoding.UTF8, leaveOpen: true);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write((ulong)Tensors.Count);
        writer.Write((ulong)Metadata.Count);
        foreach (var (key, value) in Metadata)
        {
            WriteString(writer, key);
            writer.Write(TypeOf(value.GetType()));
            WriteValue(writer, value);
        }

        var offset = 0L;
        foreach (var tensor in Tensors)
        {
            WriteString(writer, tensor.Name);
            writer.Write(tensor.Shape.Length);
            foreach (var size in tensor.Shape.Reverse())
            {
                writer.Write(size);
            }

            writer.Write(tensor.Type);
            writer.Write(offset);
            offset = Align(offset + tensor.Bytes.Length);
        }

        foreach (var tensor in Tensors)
        {
            writer.Flush();
            file.SetLength(Align(file.Length));
            file.Position = file.Length;
            tensor.Bytes.Write(file);
        }
    }

    private long Align(long offset) => (offset + Alignment - 1) / Alignment * Alignment;

    private static void WriteString(BinaryWriter writer, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static uint TypeOf(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => 0,
        TypeCode.SByte => 1,
        TypeCode.UInt16 => 2,
        TypeCode.Int16 => 3,
        TypeCode.UInt32 => 4,
        TypeCode.Int32 => 5,
        TypeCode.Single => 6,
        TypeCode.Boolean => 7,
        TypeCode.String => 8,
        TypeCode.UInt64 => 10,
        TypeCode.Int64 => 11,
        TypeCode.Double => 12,
        _ => type.IsArray ? 9u : throw new NotSupportedException($"GGUF has no {type}."),
    };

    private static void WriteValue(BinaryWriter writer, object value)
    {
        switch (value)
        {
            case Array array:
                writer.Write(TypeOf(array.GetType().GetElementType()!));
                writer.Write((ulong)array.Length);
                foreach (var item in array)
                {
                    WriteValue(writer, item);
                }

                break;
            case byte number: writer.Write(number); break;
            case sbyte number: writer.Write(number); break;
            case ushort number: writer.Write(number); break;
            case short number: writer.Write(number); break;
            case uint number: writer.Write(number); break;
            case int number: writer.Write(number); break;
            case float number: writer.Write(number); break;
            case bool flag: writer.Write(flag); break;
            case string text: WriteString(writer, text); break;
            case ulong number: writer.Write(number); break;
            case long number: writer.Write(number); break;
            case double number: writer.Write(number); break;
            default: throw new NotSupportedException($"GGUF has no {value.GetType()}.");
        }
    }
}
