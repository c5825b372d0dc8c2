using System.Buffers.Binary;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Crescent.Testing;

/// <summary>A tensor as safetensors has it.</summary>
/// <param name="Dtype">"F32", "F16", "BF16", "I64", ...</param>
public sealed record SafetensorsTensor(string Name, string Dtype, long[] Shape, byte[] Data);

/// <summary>Lays tensors out one after the other, without holes.</summary>
public static class SafetensorsWriter
{
    public static byte[] ToBytes(IEnumerable<SafetensorsTensor> tensors)
    {
        var header = new JsonObject { ["__metadata__"] = new JsonObject { ["format"] = "pt" } };
        using var data = new MemoryStream();
        foreach (var tensor in tensors)
        {
            header.Add(tensor.Name, new JsonObject
            {
                ["dtype"] = tensor.Dtype,
                ["shape"] = new JsonArray([.. tensor.Shape.Select(size => JsonValue.Create(size))]),
                ["data_offsets"] = new JsonArray(data.Length, data.Length + tensor.Data.Length),
            });
            data.Write(tensor.Data);
        }

        return ToBytes(JsonSerializer.SerializeToUtf8Bytes(header), data.ToArray());
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
