using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>A tile of keys and values of one KV head, however it is stored.</summary>
internal unsafe interface IKvTile
{
    /// <summary>scores[i, j] += queries[i] · K[j], for up to <see cref="MatrixTile.Rows"/> queries.</summary>
    /// <param name="queries">[rows, dim].</param>
    /// <param name="columns">Keys, in whole vectors.</param>
    /// <param name="scores">[rows, positions of a tile].</param>
    void Scores(float* queries, int rows, int columns, float* scores);

    /// <summary>o[i] += Σⱼ weights[i, j] · V[j], over the first <paramref name="visible"/> positions.</summary>
    void Values(float* weights, int rows, int visible, float* o);
}

/// <summary>K [dim] rows of positions and V [positions] rows of dim, element by element in one type.</summary>
/// <param name="ahead">What lies so many bytes on is fetched into the cache.</param>
/// <param name="length">Row length of scores and weights.</param>
internal readonly unsafe ref struct PlainTile<TSimd, TVec, TElements>(
    byte* keys, long keyStride, byte* values, long ahead, int dim, int length) : IKvTile
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    public void Scores(float* queries, int rows, int columns, float* scores) =>
        new MatrixTile<TSimd, TVec, TElements>(queries, dim, keys, keyStride, ahead, scores, length, dim).Run(rows, columns);

    public void Values(float* weights, int rows, int visible, float* o) =>
        new MatrixTile<TSimd, TVec, TElements>(weights, length, values, TElements.Offset(dim), ahead, o, dim, visible).Run(rows, dim);
}

/// <summary>
/// Q8_0 in this backend's layout. A head of a block holds, for each run of 32 dimensions, K [32, positions] as int8 and
/// [positions] scales as F16, then the same for V [positions, 32]. The scale is applied once per run: to the sum over its
/// dimensions for K, to the weight for V.
/// </summary>
internal readonly unsafe ref struct Q8Tile<TSimd, TVec>(byte* head, int positions, int offset, long ahead, int dim, int length) : IKvTile
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    private const int Run = 32;

    [MethodImpl(Kernel.FullyOptimised)]
    public void Scores(float* queries, int rows, int columns, float* scores)
    {
        float* sums = stackalloc float[MatrixTile.Rows * length];
        for (int run = 0; run < dim / Run; run++)
        {
            byte* keys = head + Q8Layout.Run(positions, run);
            new Span<float>(sums, rows * length).Clear();
            new MatrixTile<TSimd, TVec, I8Elements>(queries + (run * Run), dim, keys + offset, positions, ahead, sums, length, Run).Run(rows, columns);
            ushort* scales = Q8Layout.Scales(keys, positions) + offset;
            for (int j = 0; j < columns; j += TSimd.Width)
            {
                var scale = TSimd.LoadF16(scales + j);
                for (int row = 0; row < rows; row++)
                {
                    float* score = scores + (row * length) + j;
                    TSimd.Store(score, TSimd.Fma(TSimd.Load(sums + (row * length) + j), scale, TSimd.Load(score)));
                }
            }
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    public void Values(float* weights, int rows, int visible, float* o)
    {
        float* scaled = stackalloc float[MatrixTile.Rows * length];
        for (int run = 0; run < dim / Run; run++)
        {
            byte* values = head + Q8Layout.Run(positions, (dim / Run) + run);
            ushort* scales = Q8Layout.Scales(values, positions) + offset;
            for (int j = 0; j < visible; j += TSimd.Width)
            {
                var scale = TSimd.LoadF16(scales + j);
                for (int row = 0; row < rows; row++)
                {
                    TSimd.Store(scaled + (row * length) + j, TSimd.Mul(TSimd.Load(weights + (row * length) + j), scale));
                }
            }

            new MatrixTile<TSimd, TVec, I8Elements>(scaled, length, values + (offset * Run), Run, ahead, o + (run * Run), dim, visible).Run(rows, Run);
        }
    }
}

/// <summary>Where the parts of a head's Q8_0 lie; see <see cref="Q8Tile{TSimd, TVec}"/>.</summary>
internal static unsafe class Q8Layout
{
    public const int RunLength = 32;
    private const int ElementBytes = RunLength + sizeof(ushort);

    /// <summary>Offset of a run: those of K, then those of V.</summary>
    public static long Run(int positions, int run) => (long)run * positions * ElementBytes;

    public static ushort* Scales(byte* run, int positions) => (ushort*)(run + (RunLength * positions));

    /// <summary>Writes 32 elements: the first at <paramref name="target"/>, the others <paramref name="stride"/> bytes apart.</summary>
    public static void Write(float* source, byte* target, int stride, ushort* scale)
    {
        float largest = 0;
        for (int i = 0; i < RunLength; i++)
        {
            largest = MathF.Max(largest, MathF.Abs(source[i]));
        }

        // As GGUF's quantiser: by the scale before it is rounded to F16.
        float unit = largest / 127;
        float inverse = unit == 0 ? 0 : 1 / unit;
        *scale = BitConverter.HalfToUInt16Bits((Half)unit);
        for (int i = 0; i < RunLength; i++)
        {
            target[i * stride] = (byte)(sbyte)MathF.Round(source[i] * inverse, MidpointRounding.AwayFromZero);
        }
    }
}
