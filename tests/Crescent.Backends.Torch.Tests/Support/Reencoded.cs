using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;
using Crescent.Testing;

namespace Crescent.Backends.Torch.Tests.Support;

/// <summary>A model folder of F32 weights, written again in another type.</summary>
internal static class Reencoded
{
    public static void Write(string source, string target, DType type)
    {
        File.Copy(Path.Combine(source, "config.json"), Path.Combine(target, "config.json"));
        byte[] file = File.ReadAllBytes(Path.Combine(source, "model.safetensors"));
        int header = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using var json = JsonDocument.Parse(file.AsMemory(8, header));
        var tensors =
            from entry in json.RootElement.EnumerateObject()
            where entry.Name != "__metadata__"
            let range = entry.Value.GetProperty("data_offsets").Deserialize<int[]>()
            let values = MemoryMarshal.Cast<byte, float>(file.AsSpan((8 + header + range[0])..(8 + header + range[1]))).ToArray()
            select new SafetensorsTensor(
                entry.Name, type.ToString(), entry.Value.GetProperty("shape").Deserialize<long[]>()!, WeightEncoding.Encode(values, type));
        File.WriteAllBytes(Path.Combine(target, "model.safetensors"), SafetensorsWriter.ToBytes(tensors));
    }
}
