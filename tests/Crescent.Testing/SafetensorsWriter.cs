using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crescent.Testing;

/// <summary>A tensor as safetensors has it.</summary>
/// <param name="Dtype">"F32", "F16", "BF16", "I64", ...</param>
public sealed record SafetensorsTensor(string Name, string Dtype, long[] Shape, byte[] Data)
{
    /// <summary>Set on a tensor that is made while it is written; <see cref="Data"/> is empty then.</summary>
    public StreamedBytes? Streamed { get; init; }

    internal StreamedBytes Bytes => Streamed ?? new StreamedBytes(Data.Length, stream => stream.Write(Data));
}

/// <summary>Lays tensors out one after the other, without holes.</summary>
public static class SafetensorsWriter
{
    public static byte[] ToBytes(IEnumerable<SafetensorsTensor> tensors)
    {
        using var file = new MemoryStream();
        WriteTo(file, [.. tensors]);
        return file.ToArray();
    }

    public static void WriteTo(Stream file, IReadOnlyList<SafetensorsTensor> tensors)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        var offset = 0L;
        foreach (var tensor in tensors)
        {
            var end = offset + tensor.Bytes.Length;
            header.Add(tensor.Name, new JsonObject
            {
                ["dtype"] = tensor.Dtype,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(offset, end),
            });
            offset = end;
        }

        file.Write(ToBytes(JsonSerializer.SerializeToUtf8Bytes(header), []));
        foreach (var tensor in tensors)
        {
            tensor.Bytes.Write(file);
        }
    }

    /// <summary>A file of this header, right or wrong, padded with spaces to 8 bytes.</summary>
    public static byte[] ToBytes(ReadOnlySpan<byte> header, ReadOnlySpan<byte> data)
    {
        var padded = (header.Length + 7) / 8 * 8;
        var file = new byte[8 + padded + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(file, padded);
        header.CopyTo(file.AsSpan(8));
        file.AsSpan(8 + header.Length, padded - header.Length).Fill((byte)' ');
        data.CopyTo(file.AsSpan(8 + padded));
        return file;
    }
}
