using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crescent.Backends.Cpu.Simd;

/// <summary>8 lanes: AVX2 with FMA.</summary>
internal readonly unsafe struct Avx2Fma : ISimd<Vector256<float>>
{
    public static bool IsSupported => Avx2.IsSupported && System.Runtime.Intrinsics.X86.Fma.IsSupported;

    public static int Width => 8;

    public static int Registers => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch(void* address) => Sse.Prefetch0(address);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Broadcast(float value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(float* source) => Avx.LoadVector256(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBF16(ushort* source) =>
        Avx2.ShiftLeftLogical(Avx2.ConvertToVector256Int32(Sse2.LoadVector128(source)), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadF16(ushort* source)
    {
        var bits = Avx2.ConvertToVector256Int32(Sse2.LoadVector128((short*)source));
        return Mul(Avx2.And(Avx2.ShiftLeftLogical(bits, Half16.Shift), Vector256.Create(Half16.Mask)).AsSingle(), Broadcast(Half16.Rebias));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> BroadcastF16(ushort* source)
    {
        var bits = Avx2.ShiftRightArithmetic(Avx2.BroadcastScalarToVector256((short*)source).AsInt32(), Half16.DoubledShift);
        return Mul(Avx2.And(bits, Vector256.Create(Half16.Mask)).AsSingle(), Broadcast(Half16.Rebias));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadI8(sbyte* source) =>
        Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadU4(byte* source, int shift)
    {
        var bits = Avx2.ShiftRightLogical(Avx2.ConvertToVector256Int32(source), Vector128.CreateScalar(shift));
        return Avx.ConvertToVector256Single(Avx2.And(bits, Vector256.Create(15)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(float* destination, Vector256<float> value) => Avx.Store(destination, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => Avx.Add(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Sub(Vector256<float> a, Vector256<float> b) => Avx.Subtract(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Mul(Vector256<float> a, Vector256<float> b) => Avx.Multiply(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Div(Vector256<float> a, Vector256<float> b) => Avx.Divide(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Avx.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Fma(Vector256<float> a, Vector256<float> b, Vector256<float> c) =>
        System.Runtime.Intrinsics.X86.Fma.MultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Round(Vector256<float> value) => Avx.RoundToNearestInteger(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> value, Vector256<float> exponent) =>
        Mul(value, Avx2.ShiftLeftLogical(Avx2.Add(Avx.ConvertToVector256Int32(exponent), Vector256.Create(127)), 23).AsSingle());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> value)
    {
        var four = Sse.Add(value.GetLower(), Avx.ExtractVector128(value, 1));
        var two = Sse.Add(four, Sse.MoveHighToLow(four, four));
        return two.ToScalar() + two.GetElement(1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Sum4(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        var ac = Add(Avx.Permute2x128(a, c, 0x20), Avx.Permute2x128(a, c, 0x31));
        var bd = Add(Avx.Permute2x128(b, d, 0x20), Avx.Permute2x128(b, d, 0x31));
        var two = Add(Avx.Shuffle(ac, bd, 0x44), Avx.Shuffle(ac, bd, 0xee));
        var one = Add(Avx.Shuffle(two, two, 0x88), Avx.Shuffle(two, two, 0xdd));
        return Sse.MoveLowToHigh(one.GetLower(), one.GetUpper());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Max4(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        var ac = Max(Avx.Permute2x128(a, c, 0x20), Avx.Permute2x128(a, c, 0x31));
        var bd = Max(Avx.Permute2x128(b, d, 0x20), Avx.Permute2x128(b, d, 0x31));
        var two = Max(Avx.Shuffle(ac, bd, 0x44), Avx.Shuffle(ac, bd, 0xee));
        var one = Max(Avx.Shuffle(two, two, 0x88), Avx.Shuffle(two, two, 0xdd));
        return Sse.MoveLowToHigh(one.GetLower(), one.GetUpper());
    }
}
