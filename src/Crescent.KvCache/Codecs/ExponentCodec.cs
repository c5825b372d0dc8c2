using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Crescent.KvCache.Codecs.Rans;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// Lossless: the exponents of K and those of V are entropy-coded by how often each occurs in this layer, sign and mantissa are
/// kept (the idea of DFloat11, arXiv 2504.11651). The upper half of an F32 is a BF16 to it, the lower half is kept.
/// A coded layer is the two distributions, a byte of sign and mantissa per element, lower halves if any, the stream.
/// </summary>
public sealed class ExponentCodec : CompressingCodec
{
    /// <summary>Elements decoded at a time, so that they stay in the first-level cache.</summary>
    private const int Chunk = 4096;

    private static readonly int[][] Patterns = [[.. Enumerable.Repeat(0, RansDecoder.Lanes)], [.. Enumerable.Repeat(1, RansDecoder.Lanes)]];

    public override string Name => "exponents";

    public override string EncodingId => "exponents/1";

    public override bool Lossless => true;

    public override double DeclaredError(KvLayout layout, int layer) => 0;

    private protected override bool TryEncode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> room, out int length)
    {
        length = 0;
        int half = KvCodecs.HalfElements(layout);
        int kept = 2 * half * (layout.Type.ElementBytes() - 1);
        using var exponents = new Scratch<byte>(2 * half);
        Span<ushort> frequencies = stackalloc ushort[RansTables.Symbols];
        Span<uint> codes = stackalloc uint[2 * RansTables.Symbols];
        Span<byte> tables = stackalloc byte[2 * 3 * RansTables.Symbols];
        if (room.Length < tables.Length + kept)
        {
            return false;
        }

        using var rest = new Scratch<byte>(kept);
        Split(layout.Type, interchange, exponents.Span, rest.Span);
        int head = 0;
        for (int i = 0; i < 2; i++)
        {
            Count(exponents.Span.Slice(i * half, half), frequencies);
            RansTables.FillCodes(frequencies, codes.Slice(i * RansTables.Symbols, RansTables.Symbols));
            head += RansTables.Write(frequencies, tables[head..]);
        }

        tables[..head].CopyTo(room);
        rest.Span.CopyTo(room[head..]);
        room = room[(head + kept)..];
        var encoder = new RansEncoder(room, codes, stackalloc uint[RansDecoder.Lanes]);
        if (!encoder.TryPrepend(exponents.Span[half..], Patterns[1])
            || !encoder.TryPrepend(exponents.Span[..half], Patterns[0])
            || !encoder.TryFinish(out int stream))
        {
            return false;
        }

        room[^stream..].CopyTo(room);
        length = head + kept + stream;
        return true;
    }

    private protected override void DecodeCoded(KvLayout layout, int layer, ReadOnlySpan<byte> coded, Span<byte> interchange) =>
        Decode(layout, coded, interchange, Avx2.IsSupported);

    internal static void Decode(KvLayout layout, ReadOnlySpan<byte> coded, Span<byte> interchange, bool vectors)
    {
        int half = KvCodecs.HalfElements(layout);
        using var slots = new Scratch<uint>(2 * RansTables.Total);
        Span<ushort> frequencies = stackalloc ushort[RansTables.Symbols];
        for (int i = 0; i < 2; i++)
        {
            coded = coded[RansTables.Read(coded, frequencies)..];
            RansTables.FillSlots(frequencies, slots.Span.Slice(i * RansTables.Total, RansTables.Total));
        }

        int kept = 2 * half * (layout.Type.ElementBytes() - 1);
        if (coded.Length < kept)
        {
            throw new InvalidDataException("signs and mantissas are cut off");
        }

        var signs = coded[..(2 * half)];
        var lower = MemoryMarshal.Cast<byte, ushort>(coded[(2 * half)..kept]);
        var decoder = new RansDecoder(coded[kept..], slots.Span, vectors);
        Span<byte> exponents = stackalloc byte[Chunk];
        for (int start = 0, count; start < 2 * half; start += count)
        {
            count = Math.Min(Chunk, (start < half ? half : 2 * half) - start);
            decoder.Read(exponents[..count], Patterns[start < half ? 0 : 1]);
            if (layout.Type == DType.BF16)
            {
                Join(exponents[..count], signs[start..], MemoryMarshal.Cast<byte, ushort>(interchange)[start..]);
            }
            else
            {
                Join(exponents[..count], signs[start..], lower[start..], MemoryMarshal.Cast<byte, uint>(interchange)[start..]);
            }
        }

        decoder.Finish();
    }

    /// <summary>Takes elements apart.</summary>
    /// <param name="rest">[elements] sign and seven bits of mantissa; then, of F32, [elements] lower halves.</param>
    [MethodImpl(Hot.Loop)]
    private static void Split(DType type, ReadOnlySpan<byte> interchange, Span<byte> exponents, Span<byte> rest)
    {
        var halves = MemoryMarshal.Cast<byte, ushort>(interchange);
        int stride = type.ElementBytes() / sizeof(ushort);
        var lower = MemoryMarshal.Cast<byte, ushort>(rest[exponents.Length..]);
        for (int i = 0; i < exponents.Length; i++)
        {
            int upper = halves[(i * stride) + stride - 1];
            exponents[i] = (byte)(upper >> 7);
            rest[i] = (byte)(((upper >> 8) & 0x80) | (upper & 0x7f));
            if (stride == 2)
            {
                lower[i] = halves[i * stride];
            }
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void Count(ReadOnlySpan<byte> symbols, Span<ushort> frequencies)
    {
        Span<uint> counts = stackalloc uint[RansTables.Symbols];
        counts.Clear();
        foreach (byte symbol in symbols)
        {
            counts[symbol]++;
        }

        RansTables.Normalise(counts, frequencies);
    }

    [MethodImpl(Hot.Loop)]
    private static void Join(ReadOnlySpan<byte> exponents, ReadOnlySpan<byte> signs, Span<ushort> values)
    {
        for (int i = 0; i < exponents.Length; i += Vector128<byte>.Count)
        {
            var (low, high) = Join(exponents[i..], signs[i..]);
            low.CopyTo(values[i..]);
            high.CopyTo(values[(i + 8)..]);
        }
    }

    [MethodImpl(Hot.Loop)]
    private static void Join(ReadOnlySpan<byte> exponents, ReadOnlySpan<byte> signs, ReadOnlySpan<ushort> lower, Span<uint> values)
    {
        for (int i = 0; i < exponents.Length; i += Vector128<byte>.Count)
        {
            var (low, high) = Join(exponents[i..], signs[i..]);
            var upper = Vector256.Create(low, high);
            var (a, b) = Vector256.Widen(upper);
            var (c, d) = Vector256.Widen(Vector256.Create(lower[i..]));
            ((a << 16) | c).CopyTo(values[i..]);
            ((b << 16) | d).CopyTo(values[(i + 8)..]);
        }
    }

    /// <summary>Sixteen BF16 values.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (Vector128<ushort> Low, Vector128<ushort> High) Join(ReadOnlySpan<byte> exponents, ReadOnlySpan<byte> signs)
    {
        var (lowExponents, highExponents) = Vector128.Widen(Vector128.Create(exponents));
        var (lowSigns, highSigns) = Vector128.Widen(Vector128.Create(signs));
        return (Join(lowExponents, lowSigns), Join(highExponents, highSigns));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static Vector128<ushort> Join(Vector128<ushort> exponent, Vector128<ushort> rest) =>
            (exponent << 7) | ((rest & Vector128.Create((ushort)0x80)) << 8) | (rest & Vector128.Create((ushort)0x7f));
    }
}
