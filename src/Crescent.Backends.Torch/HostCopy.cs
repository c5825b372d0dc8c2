using System.Runtime.InteropServices;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace Crescent.Backends.Torch;

/// <summary>Bytes between host memory and tensors on any device. Nothing else here sees an address.</summary>
internal static class HostCopy
{
    private const long StagingBytes = 64 << 20;

    /// <summary>Overwrites a tensor of any strides, which the values fill.</summary>
    public static void Write(ReadOnlySpan<byte> values, Tensor target)
    {
        using var host = torch.empty(target.shape, dtype: target.dtype);
        values.CopyTo(host.bytes);
        target.copy_(host);
    }

    /// <summary>Reads a tensor of any strides; waits for it.</summary>
    public static void Read(Tensor source, Span<byte> values)
    {
        using var host = source.cpu();
        using var contiguous = host.contiguous();
        contiguous.bytes.CopyTo(values);
    }

    /// <summary>A weight as a new tensor, piece by piece so that the host never holds a second copy of it.</summary>
    /// <param name="pieceBytes">Host memory for a piece; at least one row is taken.</param>
    public static unsafe Tensor Load(in WeightSource source, torch.ScalarType type, torch.Device device, long pieceBytes = StagingBytes)
    {
        using var scope = torch.NewDisposeScope();
        var stagingType = StagingType(source);
        var weight = torch.empty(source.Rows, source.Columns, dtype: type, device: device);
        long rowBytes = source.Type.RowBytes(source.Columns);
        int piece = (int)Math.Clamp(pieceBytes / (source.Columns * sizeof(float)), 1, source.Rows);
        for (int row = 0; row < source.Rows; row += piece)
        {
            int rows = Math.Min(piece, source.Rows - row);
            var stored = new ReadOnlySpan<byte>((byte*)source.Data + (row * rowBytes), checked((int)(rows * rowBytes)));
            using var staging = torch.empty(rows, source.Columns, dtype: stagingType);
            using var target = weight.narrow(0, row, rows);
            Decode(stored, source.Type, staging.bytes);
            target.copy_(staging);
        }

        return weight.DetachFromDisposeScope();
    }

    private static torch.ScalarType StagingType(in WeightSource source) => source.Type switch
    {
        DType.F32 or DType.Q8_0 or DType.Q4_K => torch.ScalarType.Float32,
        DType.F16 => torch.ScalarType.Float16,
        DType.BF16 => torch.ScalarType.BFloat16,
        _ => throw new NotSupportedException($"the Torch backend cannot read {source.Name}: it is {source.Type}"),
    };

    private static void Decode(ReadOnlySpan<byte> stored, DType type, Span<byte> staging)
    {
        switch (type)
        {
            case DType.Q8_0:
                Quantised.DecodeQ8(stored, MemoryMarshal.Cast<byte, float>(staging));
                break;
            case DType.Q4_K:
                Quantised.DecodeQ4K(stored, MemoryMarshal.Cast<byte, float>(staging));
                break;
            default:
                stored.CopyTo(staging);
                break;
        }
    }
}
