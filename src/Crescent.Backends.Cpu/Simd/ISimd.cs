using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crescent.Backends.Cpu.Simd;

/// <summary>
/// One instruction set. Kernels are written once against it and specialised by the JIT for each implementation, so
/// every path does the same operations in the same order over vectors of its own <see cref="Width"/>.
/// </summary>
internal unsafe interface ISimd<TVec>
    where TVec : unmanaged
{
    static abstract int Width { get; }

    /// <summary>Vector registers: how large a tile of accumulators can be.</summary>
    static abstract int Registers { get; }

    /// <summary>Fetches the line into the cache; any address may be given.</summary>
    static abstract void Prefetch(void* address);

    static abstract TVec Broadcast(float value);

    static abstract TVec Load(float* source);

    /// <summary>bfloat16 is the upper half of a float.</summary>
    static abstract TVec LoadBF16(ushort* source);

    /// <summary>IEEE half, finite values; see <see cref="Half16"/>.</summary>
    static abstract TVec LoadF16(ushort* source);

    /// <summary>One half in all lanes.</summary>
    static abstract TVec BroadcastF16(ushort* source);

    static abstract TVec LoadI8(sbyte* source);

    /// <summary>Four bits of each byte, from bit <paramref name="shift"/> on.</summary>
    static abstract TVec LoadU4(byte* source, int shift);

    static abstract void Store(float* destination, TVec value);

    static abstract TVec Add(TVec a, TVec b);

    static abstract TVec Sub(TVec a, TVec b);

    static abstract TVec Mul(TVec a, TVec b);

    static abstract TVec Div(TVec a, TVec b);

    static abstract TVec Max(TVec a, TVec b);

    /// <summary>a · b + c with one rounding.</summary>
    static abstract TVec Fma(TVec a, TVec b, TVec c);

    static abstract TVec Round(TVec value);

    /// <summary>value · 2^exponent; exponents are integers in [−126, 127].</summary>
    static abstract TVec Scale(TVec value, TVec exponent);

    /// <summary>Sum over the lanes, halves first: always the same tree.</summary>
    static abstract float Sum(TVec value);

    /// <summary>The <see cref="Sum"/> of each, bit for bit.</summary>
    static abstract Vector128<float> Sum4(TVec a, TVec b, TVec c, TVec d);

    /// <summary>The largest lane of each.</summary>
    static abstract Vector128<float> Max4(TVec a, TVec b, TVec c, TVec d);
}

/// <summary>Constants of the half-to-float conversion: sign-extend, shift and mask the bits into place, rebias by a multiply.</summary>
internal static class Half16
{
    /// <summary>Sign, exponent and mantissa of a sign-extended half after <see cref="Shift"/>.</summary>
    public const int Mask = unchecked((int)0x8fffe000);
    public const int Shift = 13;

    /// <summary>From a half in both words of a lane to the same place.</summary>
    public const int DoubledShift = 3;

    /// <summary>2^(127−15).</summary>
    public const float Rebias = 5.192296858534828e33f;
}

/// <summary>Functions built from the primitives, one definition for every path.</summary>
internal static class Simd<TSimd, TVec>
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>
    /// exp(x) with a relative error below 3e-7: x = n·ln2 + r with |r| ≤ ln2/2, and a degree-6 Taylor polynomial in r.
    /// Below −87 the result is 0 to within 1e-38; above 88 it saturates.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Exp(TVec x)
    {
        var bounded = TSimd.Sub(TSimd.Broadcast(0), TSimd.Max(TSimd.Sub(TSimd.Broadcast(0), x), TSimd.Broadcast(-88f)));
        return ExpBelow88(bounded);
    }

    /// <summary>The same where x is known to be at most 88.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec ExpBelow88(TVec x)
    {
        // −∞ (a masked score) must not reach the subtraction below as ∞ − ∞.
        var clamped = TSimd.Max(x, TSimd.Broadcast(-87.3f));
        var n = TSimd.Round(TSimd.Mul(clamped, TSimd.Broadcast(1.44269504f)));
        var r = TSimd.Fma(n, TSimd.Broadcast(-0.693359375f), clamped);
        r = TSimd.Fma(n, TSimd.Broadcast(2.12194440e-4f), r);
        var p = TSimd.Broadcast(1f / 720);
        p = TSimd.Fma(p, r, TSimd.Broadcast(1f / 120));
        p = TSimd.Fma(p, r, TSimd.Broadcast(1f / 24));
        p = TSimd.Fma(p, r, TSimd.Broadcast(1f / 6));
        p = TSimd.Fma(p, r, TSimd.Broadcast(0.5f));
        p = TSimd.Fma(p, r, TSimd.Broadcast(1));
        p = TSimd.Fma(p, r, TSimd.Broadcast(1));
        return TSimd.Scale(p, n);
    }
}
