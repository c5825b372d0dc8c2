using System.Runtime.InteropServices;

namespace Crescent.Backends.Torch;

/// <summary>Quantised weights as fp32, whole runs at a time.</summary>
internal static class Quantised
{
    private const int Group = 32;

    /// <summary>A run: an F16 scale, then 32 signed bytes.</summary>
    public static void DecodeQ8(ReadOnlySpan<byte> stored, Span<float> values)
    {
        const int RunBytes = 34;
        for (; !values.IsEmpty; values = values[Group..], stored = stored[RunBytes..])
        {
            float scale = (float)MemoryMarshal.Read<Half>(stored);
            for (int i = 0; i < Group; i++)
            {
                values[i] = scale * (sbyte)stored[2 + i];
            }
        }
    }

    /// <summary>
    /// A run of 8 groups: two F16 units, then the factors of scale and minimum of each group (6 bits each, 12 bytes),
    /// then the elements; groups 2i and 2i + 1 share 32 bytes, the even one in their low halves.
    /// </summary>
    public static void DecodeQ4K(ReadOnlySpan<byte> stored, Span<float> values)
    {
        const int RunBytes = 144;
        const int Groups = 8;
        for (; !values.IsEmpty; values = values[(Groups * Group)..], stored = stored[RunBytes..])
        {
            float scale = (float)MemoryMarshal.Read<Half>(stored);
            float minimum = (float)MemoryMarshal.Read<Half>(stored[2..]);
            for (int group = 0; group < Groups; group++)
            {
                var (scales, minima) = Factors(stored.Slice(4, 12), group);
                var elements = stored.Slice(16 + (group / 2 * Group), Group);
                for (int i = 0; i < Group; i++)
                {
                    int element = (elements[i] >> (group % 2 * 4)) & 15;
                    values[(group * Group) + i] = (scale * scales * element) - (minimum * minima);
                }
            }
        }
    }

    /// <summary>Groups 4 to 7 keep their upper two bits above the factors of groups 0 to 3.</summary>
    private static (int Scale, int Minimum) Factors(ReadOnlySpan<byte> packed, int group) => group < 4
        ? (packed[group] & 63, packed[group + 4] & 63)
        : ((packed[group + 4] & 15) | (packed[group - 4] >> 6 << 4), (packed[group + 4] >> 4) | (packed[group] >> 6 << 4));
}
