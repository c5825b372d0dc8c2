using System.Buffers.Binary;
using System.Text;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>The key-value section of a GGUF file, as <c>GgufTokenizer.Load</c> takes it.</summary>
internal sealed class GgufMetadata
{
    private readonly byte[] _bytes;
    private int _at;

    private GgufMetadata(byte[] bytes) => _bytes = bytes;

    public static Dictionary<string, object> Read(string path)
    {
        var reader = new GgufMetadata(File.ReadAllBytes(path)) { _at = 16 };
        var metadata = new Dictionary<string, object>();
        for (var left = BinaryPrimitives.ReadUInt64LittleEndian(reader.Take(8)); left > 0; left--)
        {
            var key = reader.Text();
            metadata.Add(key, reader.Value(reader.Type()));
        }

        return metadata;
    }

    private ReadOnlySpan<byte> Take(int length) => _bytes.AsSpan((_at += length) - length, length);

    private uint Type() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    private string Text() => Encoding.UTF8.GetString(Take((int)BinaryPrimitives.ReadUInt64LittleEndian(Take(8))));

    private object Value(uint type) => type switch
    {
        4 => BinaryPrimitives.ReadUInt32LittleEndian(Take(4)),
        5 => BinaryPrimitives.ReadInt32LittleEndian(Take(4)),
        6 => BinaryPrimitives.ReadSingleLittleEndian(Take(4)),
        7 => Take(1)[0] != 0,
        8 => Text(),
        9 => Array(Type(), (int)BinaryPrimitives.ReadUInt64LittleEndian(Take(8))),
        _ => throw new NotSupportedException($"GGUF value type {type}"),
    };

    private object Array(uint type, int length) => type switch
    {
        5 => Items<int>(type, length),
        6 => Items<float>(type, length),
        8 => Items<string>(type, length),
        _ => throw new NotSupportedException($"GGUF array type {type}"),
    };

    private T[] Items<T>(uint type, int length)
    {
        var items = new T[length];
        for (var i = 0; i < length; i++)
        {
            items[i] = (T)Value(type);
        }

        return items;
    }
}
