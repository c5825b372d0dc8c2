using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Crescent.KvCache.Codecs;

/// <summary>Between elements of F32 or BF16 and codes: value = code · step + offset, rounded to the type.</summary>
internal static class Elements
{
    /// <summary>Magnitudes from here on, and what is not finite, are not quantised: 2¹⁰⁰.</summary>
    private const float TooLarge = 1.2676506e30f;

    /// <summary>The smallest step: half of it is below <see cref="KvCodecs.TinyError"/>, and its inverse is finite.</summary>
    public const float SmallestStep = 1 / TooLarge;

    public static int ElementBytes(this DType type) => type == DType.F32 ? sizeof(float) : sizeof(ushort);

    /// <summary>The largest error of rounding to the type, relative to the rounded value.</summary>
    public static double Rounding(this DType type) => type == DType.F32 ? 1.0 / (1 << 23) : 1.0 / (1 << 8);

    /// <summary>Widens elements to fp32; false when one cannot be quantised.</summary>
    [MethodImpl(Hot.Loop)]
    public static bool TryLoad(DType type, ReadOnlySpan<byte> source, Span<float> values)
    {
        if (type == DType.F32)
        {
            MemoryMarshal.Cast<byte, float>(source).CopyTo(values);
        }
        else
        {
            var halves = MemoryMarshal.Cast<byte, ushort>(source);
            for (int i = 0; i < halves.Length; i++)
            {
                values[i] = FromBF16(halves[i]);
            }
        }

        bool fine = true;
        foreach (float value in values)
        {
            fine &= Math.Abs(value) < TooLarge;
        }

        return fine;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float FromBF16(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);

    /// <summary>The smallest BF16 that is not below a positive value.</summary>
    public static ushort RoundUpToBF16(float value) => (ushort)((BitConverter.SingleToUInt32Bits(value) + 0xffff) >> 16);

    /// <summary>The nearest whole number to a multiple of the step; ties to even.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Quantise(float value, float offset, float inverseStep) => (int)MathF.Round((value - offset) * inverseStep);

    /// <param name="codes">A multiple of the length of <paramref name="steps"/>.</param>
    /// <param name="steps">Repeated over the codes; its length is a multiple of 16.</param>
    /// <param name="offsets">Like steps.</param>
    [MethodImpl(Hot.Loop)]
    public static void Store(ReadOnlySpan<sbyte> codes, ReadOnlySpan<float> steps, ReadOnlySpan<float> offsets, DType type, Span<byte> target)
    {
        int place = 0;
        int bytes = type.ElementBytes();
        for (int i = 0; i < codes.Length; i += 16)
        {
            var (low, high) = Vector128.Widen(Vector128.Create(codes.Slice(i, 16)));
            var first = Scale(low, steps[place..], offsets[place..]);
            var second = Scale(high, steps[(place + 8)..], offsets[(place + 8)..]);
            if (type == DType.F32)
            {
                first.AsByte().CopyTo(target[(i * bytes)..]);
                second.AsByte().CopyTo(target[((i + 8) * bytes)..]);
            }
            else
            {
                Vector256.Narrow(RoundToBF16(first), RoundToBF16(second)).AsByte().CopyTo(target[(i * bytes)..]);
            }

            place = place + 16 == steps.Length ? 0 : place + 16;
        }
    }

    /// <summary>Multiplied, rounded, added, rounded: never fused, so that every processor gives the same bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scale(Vector128<short> codes, ReadOnlySpan<float> steps, ReadOnlySpan<float> offsets)
    {
        var (low, high) = Vector128.Widen(codes);
        return (Vector256.ConvertToSingle(Vector256.Create(low, high)) * Vector256.Create(steps)) + Vector256.Create(offsets);
    }

    /// <summary>To nearest, ties to even; the values are finite.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> RoundToBF16(Vector256<float> values)
    {
        var bits = values.AsUInt32();
        return (bits + Vector256.Create(0x7fffu) + ((bits >> 16) & Vector256<uint>.One)) >> 16;
    }
}
