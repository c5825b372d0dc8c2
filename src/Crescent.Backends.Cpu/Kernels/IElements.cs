using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// How elements are stored in a row of a weight or of KV. Vector and single loads give the same values, so a row's
/// tail is read with the same meaning as its vectors.
/// </summary>
internal unsafe interface IElements
{
    /// <summary><c>TSimd.Width</c> elements from index <paramref name="i"/>, a multiple of the width.</summary>
    static abstract TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged;
}

internal readonly unsafe struct F32Elements : IElements
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.Load((float*)row + i);
}

internal readonly unsafe struct BF16Elements : IElements
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.LoadBF16((ushort*)row + i);

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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.LoadF16((ushort*)row + i);
}

/// <summary>GGUF's Q8_0: runs of 32 elements, [F16 scale][32 × int8].</summary>
internal readonly unsafe struct Q8Elements : IElements
{
    private const int RunLength = 32;
    private const int RunBytes = 34;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        byte* run = row + (i / RunLength * RunBytes);
        var scale = TSimd.Broadcast(Scalar.LoadF16((ushort*)run));
        return TSimd.Mul(TSimd.LoadI8((sbyte*)run + 2 + (i % RunLength)), scale);
    }
}
