using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
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

    /// <summary>What a run's elements share is decoded once, into so many floats; 0 when nothing is worth it.</summary>
    static virtual int SharedFloats => 0;

    /// <summary>Elements of such a run, a power of two.</summary>
    static virtual int RunLength => 1;

    /// <summary>Decodes what the run at index <paramref name="i"/> shares; called only where <see cref="SharedFloats"/> is not 0.</summary>
    static virtual void Share(byte* row, int i, float* shared)
    {
    }

    /// <summary>Two vectors from index <paramref name="i"/>, a multiple of twice the width.</summary>
    /// <param name="shared">From <see cref="Share"/> for the run of the index.</param>
    static abstract void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
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
    public static void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
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
    public static void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
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
    public static void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        low = TSimd.LoadF16((ushort*)row + i);
        high = TSimd.LoadF16((ushort*)row + i + TSimd.Width);
    }
}

/// <summary>Signed bytes without a scale.</summary>
internal readonly unsafe struct I8Elements : IElements
{
    public static long Offset(int i) => i;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged => TSimd.LoadI8((sbyte*)row + i);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        low = TSimd.LoadI8((sbyte*)row + i);
        high = TSimd.LoadI8((sbyte*)row + i + TSimd.Width);
    }
}

/// <summary>GGUF's Q8_0: runs of 32 elements, [F16 scale][32 × int8].</summary>
internal readonly unsafe struct Q8Elements : IElements
{
    private const int RunBytes = 34;

    public static int RunLength => 32;

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
    public static void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
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

/// <summary>
/// GGUF's Q4_K: runs of 256 elements in 8 groups of 32, [F16 d][F16 dmin][12 bytes of 6-bit factors s and m, a pair per
/// group][128 bytes of 4-bit q]; element = d·s·q − dmin·m. Groups 2i and 2i + 1 share 32 bytes of q, the even one in
/// the low halves.
/// </summary>
internal readonly unsafe struct Q4KElements : IElements
{
    private const int RunBytes = 144;
    private const int Groups = 8;
    private const int GroupLength = 32;
    private const int Factors = 4;
    private const int Quants = 16;

    public static int SharedFloats => 2 * Groups;

    public static int RunLength => 256;

    public static long Offset(int i) => (long)(i / RunLength) * RunBytes;

    /// <summary>d·s of the groups, then −dmin·m: both exact in fp32.</summary>
    [MethodImpl(MethodImplOptions.NoInlining | Kernel.FullyOptimised)]
    public static void Share(byte* row, int i, float* shared)
    {
        const uint Low4 = 0x0f0f0f0f, Low6 = 0x3f3f3f3f, High2 = 0x30303030;
        byte* run = row + Offset(i);
        uint* packed = (uint*)(run + Factors);
        ulong s = (packed[0] & Low6) | ((ulong)((packed[2] & Low4) | ((packed[0] >> 2) & High2)) << 32);
        ulong m = (packed[1] & Low6) | ((ulong)(((packed[2] >> 4) & Low4) | ((packed[1] >> 2) & High2)) << 32);
        Spread(s, Scalar.LoadF16((ushort*)run), shared);
        Spread(m, -Scalar.LoadF16((ushort*)run + 1), shared + Groups);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVec Load<TSimd, TVec>(byte* row, int i)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        float* shared = stackalloc float[2 * Groups];
        Share(row, i, shared);
        return Load<TSimd, TVec>(row, i, 0, shared);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadPair<TSimd, TVec>(byte* row, int i, float* shared, out TVec low, out TVec high)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        low = Load<TSimd, TVec>(row, i, 0, shared);
        high = Load<TSimd, TVec>(row, i, TSimd.Width, shared);
    }

    /// <summary>A vector from index i + next, in the same group as i.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVec Load<TSimd, TVec>(byte* row, int i, int next, float* shared)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        int group = i % RunLength / GroupLength;
        byte* quants = row + Offset(i) + Quants + (group / 2 * GroupLength) + (i % GroupLength) + next;
        return TSimd.Fma(TSimd.LoadU4(quants, group % 2 * 4), TSimd.Broadcast(shared[group]), TSimd.Broadcast(shared[Groups + group]));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Spread(ulong bytes, float unit, float* target)
    {
        var words = Vector128.WidenLower(Vector128.CreateScalar(bytes).AsByte());
        (Vector128.ConvertToSingle(Vector128.WidenLower(words).AsInt32()) * unit).Store(target);
        (Vector128.ConvertToSingle(Vector128.WidenUpper(words).AsInt32()) * unit).Store(target + (Groups / 2));
    }
}
