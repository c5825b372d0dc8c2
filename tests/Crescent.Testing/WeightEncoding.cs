using System.Buffers.Binary;

namespace Crescent.Testing;

/// <summary>Weights to and from their stored bytes, one element at a time.</summary>
public static class WeightEncoding
{
    private const int RunLength = 32;
    private const int RunBytes = 34;

    /// <param name="values">Whole runs of the type.</param>
    public static byte[] Encode(ReadOnlySpan<float> values, DType type)
    {
        var bytes = new byte[type.RowBytes(values.Length)];
        Encode(values, type, bytes);
        return bytes;
    }

    /// <inheritdoc cref="Encode(ReadOnlySpan{float}, DType)"/>
    public static void Encode(ReadOnlySpan<float> values, DType type, Span<byte> bytes)
    {
        for (var i = 0; i < values.Length; i++)
        {
            switch (type)
            {
                case DType.F32:
                    BinaryPrimitives.WriteSingleLittleEndian(bytes[(4 * i)..], values[i]);
                    break;
                case DType.F16:
                    BinaryPrimitives.WriteHalfLittleEndian(bytes[(2 * i)..], (Half)values[i]);
                    break;
                case DType.BF16:
                    BinaryPrimitives.WriteUInt16LittleEndian(bytes[(2 * i)..], ToBFloat16(values[i]));
                    break;
                case DType.Q8_0:
                    if (i % RunLength == 0)
                    {
                        EncodeRun(values.Slice(i, RunLength), bytes.Slice(i / RunLength * RunBytes, RunBytes));
                    }

                    break;
                case DType.Q4_K:
                    if (i % Q4KEncoding.RunLength == 0)
                    {
                        Q4KEncoding.EncodeRun(
                            values.Slice(i, Q4KEncoding.RunLength), bytes.Slice(i / Q4KEncoding.RunLength * Q4KEncoding.RunBytes, Q4KEncoding.RunBytes));
                    }

                    break;
                default:
                    throw new ArgumentOutOfRangeException(nameof(type), type, null);
            }
        }
    }

    /// <summary>[rows · columns] values, as exact as the file has them.</summary>
    public static unsafe double[] Decode(WeightSource weight)
    {
        var values = new double[(long)weight.Rows * weight.Columns];
        var data = (byte*)weight.Data;
        for (var i = 0L; i < values.LongLength; i++)
        {
            values[i] = weight.Type switch
            {
                DType.F32 => BinaryPrimitives.ReadSingleLittleEndian(new ReadOnlySpan<byte>(data + (4 * i), 4)),
                DType.F16 => (double)BinaryPrimitives.ReadHalfLittleEndian(new ReadOnlySpan<byte>(data + (2 * i), 2)),
                DType.BF16 => BitConverter.UInt32BitsToSingle(
                    (uint)BinaryPrimitives.ReadUInt16LittleEndian(new ReadOnlySpan<byte>(data + (2 * i), 2)) << 16),
                DType.Q8_0 => DecodeRunElement(new ReadOnlySpan<byte>(data + (i / RunLength * RunBytes), RunBytes), (int)(i % RunLength)),
                DType.Q4_K => Q4KEncoding.DecodeElement(
                    new ReadOnlySpan<byte>(data + (i / Q4KEncoding.RunLength * Q4KEncoding.RunBytes), Q4KEncoding.RunBytes), (int)(i % Q4KEncoding.RunLength)),
                _ => throw new NotSupportedException($"{weight.Name} is {weight.Type}."),
            };
        }

        return values;
    }

    /// <summary>Rounds to nearest, ties to even; for finite values.</summary>
    public static ushort ToBFloat16(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
    }

    private static void EncodeRun(ReadOnlySpan<float> values, Span<byte> run)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = Math.Max(largest, Math.Abs(value));
        }

        // As llama.cpp does it: by the scale before it is rounded to F16, halves away from zero.
        var scale = largest / 127;
        var inverse = scale == 0 ? 0 : 1 / scale;
        BinaryPrimitives.WriteHalfLittleEndian(run, (Half)scale);
        for (var i = 0; i < values.Length; i++)
        {
            run[2 + i] = (byte)(sbyte)MathF.Round(values[i] * inverse, MidpointRounding.AwayFromZero);
        }
    }

    private static double DecodeRunElement(ReadOnlySpan<byte> run, int index) =>
        (double)BinaryPrimitives.ReadHalfLittleEndian(run) * (sbyte)run[2 + index];
}
