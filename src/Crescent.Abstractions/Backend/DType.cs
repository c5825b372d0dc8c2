namespace Crescent;

/// <summary>Element types of weights and KV.</summary>
public enum DType
{
    F32,
    F16,
    BF16,

    /// <summary>Runs of 32 elements along a row: one F16 scale, then 32 signed bytes (34 bytes a run).</summary>
    Q8_0,

    /// <summary>
    /// Runs of 256 elements along a row, in 8 groups of 32 with a scale and a minimum each: 4 bits an element
    /// (144 bytes a run).
    /// </summary>
    Q4_K,
}

public static class DTypes
{
    /// <summary>Elements that are stored together; a row is a whole number of such runs.</summary>
    public static int RunLength(this DType type) => type switch
    {
        DType.Q8_0 => 32,
        DType.Q4_K => 256,
        _ => 1,
    };

    /// <summary>Bytes of one row of <paramref name="columns"/> elements.</summary>
    public static long RowBytes(this DType type, long columns) => type switch
    {
        DType.F32 => columns * 4,
        DType.F16 or DType.BF16 => columns * 2,
        DType.Q8_0 => columns / 32 * 34,
        DType.Q4_K => columns / 256 * 144,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };
}
