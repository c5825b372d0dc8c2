namespace Crescent.Testing;

/// <summary>How a file stores the elements of a matrix.</summary>
/// <param name="Name">As GGUF and safetensors call it.</param>
/// <param name="GgufType">The tensor type's number.</param>
/// <param name="GgufFileType">general.file_type of a file whose matrices are all stored so.</param>
/// <param name="RunLength">Elements that are stored together.</param>
/// <param name="RunBytes">Bytes of a run.</param>
public sealed record WeightFormat(string Name, uint GgufType, uint GgufFileType, int RunLength, int RunBytes)
{
    public static WeightFormat F32 { get; } = new("F32", 0, 0, 1, 4);

    public static WeightFormat F16 { get; } = new("F16", 1, 1, 1, 2);

    public static WeightFormat BF16 { get; } = new("BF16", 30, 32, 1, 2);

    public static WeightFormat Q8_0 { get; } = new("Q8_0", 8, 7, 32, 34);

    public static WeightFormat Q4_K { get; } = new("Q4_K", 12, 14, 256, 144);

    /// <summary>Whether safetensors has it.</summary>
    public bool Plain => RunLength == 1;

    public static WeightFormat Of(DType type) => Named(type.ToString());

    public static WeightFormat Named(string name) =>
        new[] { F32, F16, BF16, Q8_0, Q4_K }.FirstOrDefault(format => format.Name == name)
            ?? throw new ArgumentException($"there is no format {name}", nameof(name));

    public long Bytes(long elements) => elements / RunLength * RunBytes;

    /// <param name="values">Whole runs.</param>
    /// <param name="bytes"><see cref="Bytes"/> of them.</param>
    public void Encode(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        if (this == Q4_K)
        {
            for (var run = 0; run * RunLength < values.Length; run++)
            {
                Q4KEncoding.EncodeRun(values.Slice(run * RunLength, RunLength), bytes.Slice(run * RunBytes, RunBytes));
            }
        }
        else
        {
            WeightEncoding.Encode(values, Enum.Parse<DType>(Name), bytes);
        }
    }
}
