using System.Buffers.Binary;

namespace Crescent.Testing;

/// <summary>
/// GGUF's Q4_K. A run is 256 elements in 8 groups of 32; element = scale · s · q − minimum · m, where the run has
/// <c>scale</c> and <c>minimum</c> (F16), a group has s and m (6 bits) and an element has q (4 bits).
/// <code>
/// byte 0: scale | 2: minimum | 4: s and m of groups 0–3, low bits; s and m of 4–7 (12 bytes) | 16: q (128 bytes)
/// q of groups 2i and 2i + 1 share 32 bytes: the even group in the low half
/// </code>
/// Each group spans its smallest (at most 0) to its largest element; nothing is searched for.
/// </summary>
public static class Q4KEncoding
{
    public const int RunLength = 256;
    public const int RunBytes = 144;
    private const int Groups = 8;
    private const int GroupLength = 32;
    private const int Packed = 4;
    private const int Elements = 16;
    private const int MaxFactor = 63;
    private const int MaxQuant = 15;

    public static void EncodeRun(ReadOnlySpan<float> values, Span<byte> run)
    {
        Span<float> scales = stackalloc float[Groups];
        Span<float> minima = stackalloc float[Groups];
        for (var g = 0; g < Groups; g++)
        {
            var (smallest, largest) = (0f, float.MinValue);
            foreach (var value in values.Slice(g * GroupLength, GroupLength))
            {
                smallest = Math.Min(smallest, value);
                largest = Math.Max(largest, value);
            }

            scales[g] = Math.Max(largest - smallest, 0) / MaxQuant;
            minima[g] = -smallest;
        }

        run.Clear();
        var scale = WriteUnit(scales, run);
        var minimum = WriteUnit(minima, run[2..]);
        for (var g = 0; g < Groups; g++)
        {
            int s = Factor(scales[g], scale), m = Factor(minima[g], minimum);
            WriteFactors(run.Slice(Packed, 12), g, s, m);
            WriteGroup(values.Slice(g * GroupLength, GroupLength), run[(Elements + (g / 2 * GroupLength))..], g % 2 * 4, scale * s, minimum * m);
        }
    }

    /// <summary>[256] the elements of a run.</summary>
    public static void DecodeRun(ReadOnlySpan<byte> run, Span<double> values)
    {
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = DecodeElement(run, i);
        }
    }

    public static double DecodeElement(ReadOnlySpan<byte> run, int index)
    {
        var scale = (double)BinaryPrimitives.ReadHalfLittleEndian(run);
        var minimum = (double)BinaryPrimitives.ReadHalfLittleEndian(run[2..]);
        var packed = run.Slice(Packed, 12);
        var g = index / GroupLength;
        var s = g < 4 ? packed[g] & 63 : (packed[g + 4] & 15) | (packed[g - 4] >> 6 << 4);
        var m = g < 4 ? packed[g + 4] & 63 : (packed[g + 4] >> 4) | (packed[g] >> 6 << 4);
        var q = (run[Elements + (g / 2 * GroupLength) + (index % GroupLength)] >> (g % 2 * 4)) & 15;
        return (scale * s * q) - (minimum * m);
    }

    /// <summary>Writes the unit that the groups' values are whole numbers of, and returns it as it was rounded.</summary>
    private static float WriteUnit(ReadOnlySpan<float> values, Span<byte> bytes)
    {
        var largest = 0f;
        foreach (var value in values)
        {
            largest = Math.Max(largest, value);
        }

        var unit = (Half)(largest / MaxFactor);
        BinaryPrimitives.WriteHalfLittleEndian(bytes, unit);
        return (float)unit;
    }

    private static int Factor(float value, float unit) => unit == 0 ? 0 : Math.Min((int)MathF.Round(value / unit), MaxFactor);

    private static void WriteFactors(Span<byte> packed, int group, int s, int m)
    {
        if (group < 4)
        {
            packed[group] |= (byte)s;
            packed[group + 4] |= (byte)m;
            return;
        }

        packed[group + 4] = (byte)((s & 15) | ((m & 15) << 4));
        packed[group - 4] |= (byte)(s >> 4 << 6);
        packed[group] |= (byte)(m >> 4 << 6);
    }

    private static void WriteGroup(ReadOnlySpan<float> values, Span<byte> quants, int shift, float step, float offset)
    {
        for (var i = 0; i < values.Length; i++)
        {
            var q = step == 0 ? 0 : (int)Math.Clamp(MathF.Round((values[i] + offset) / step), 0, MaxQuant);
            quants[i] |= (byte)(q << shift);
        }
    }
}
