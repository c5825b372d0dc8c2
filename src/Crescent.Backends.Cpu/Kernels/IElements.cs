using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// How elements are stored in a row of a weight or of KV. Vector and single loads give the same values, so a row's
/// tail is read with the same meaning as its vectors.
/// </summary>
internal unsafe interface IElements
{
    /// <summary>Where element <paramref name="i"/>, the first of a run, lies in a row.</summary>
    static abstract long Offset(int i);

    /// <summary><c>TSimd.Width</c> elements from index <paramref name="i"/>, a multiple of the width.</summary>
    static abstract TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged;

    /// <summary>Two vectors from index <paramref name="i"/>, a multiple of twice the width: what they share is decoded once.</summary>
    static abstract void LoadPair<TSimd, TVec>(byte* row, int i, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged;
}

internal readonly unsafe struct F32Elements : IElements
{
    public static long Offset(int i) => (long)i * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.Load((float*)row + i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, TVec>(byte* row, int i, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        low = TSimd.Load((float*)row + i);
        high = TSimd.Load((float*)row + i + TSimd.Width);
    }
}

internal readonly unsafe struct BF16Elements : IElements
{
    public static long Offset(int i) => (long)i * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.LoadBF16((ushort*)row + i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, TVec>(byte* row, int i, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        low = TSimd.LoadBF16((ushort*)row + i);
        high = TSimd.LoadBF16((ushort*)row + i + TSimd.Width);
    }

    /// <summary>Rounds to nearest, ties to even; NaN stays NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value) ? (ushort)0x7fc0 : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}

internal readonly unsafe struct F16Elements : IElements
{
    public static long Offset(int i) => (long)i * sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.LoadF16((ushort*)row + i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, TVec>(byte* row, int i, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        low = TSimd.LoadF16((ushort*)row + i);
        high = TSimd.LoadF16((ushort*)row + i + TSimd.Width);
    }
}

/// <summary>GGUF's Q8_0: runs of 32 elements, [F16 scale][32 × int8].</summary>
internal readonly unsafe struct Q8Elements : IElements
{
    private const int RunLength = 32;
    private const int RunBytes = 34;

    public static long Offset(int i) => (long)(i / RunLength) * RunBytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        byte* run = row + (i / RunLength * RunBytes);
        var scale = TSimd.BroadcastF16((ushort*)run);
        return TSimd.Mul(TSimd.LoadI8((sbyte*)run + 2 + (i % RunLength)), scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, TVec>(byte* row, int i, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        byte* run = row + (i / RunLength * RunBytes);
        var values = (sbyte*)run + 2 + (i % RunLength);
        var scale = TSimd.BroadcastF16((ushort*)run);
        low = TSimd.Mul(TSimd.LoadI8(values), scale);
        high = TSimd.Mul(TSimd.LoadI8(values + TSimd.Width), scale);
    }
}
