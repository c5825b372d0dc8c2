using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Crescent.Backends.Cpu.Simd;

/// <summary>One lane: runs on every processor, and is the plainest reading of what the kernels compute.</summary>
internal readonly unsafe struct Scalar : ISimd<float>
{
    public static int Width => 1;

    public static int Registers => 16;

    public static void Prefetch(void* address)
    {
    }

    public static float Broadcast(float value) => value;

    public static float Load(float* source) => *source;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadBF16(ushort* source) => BitConverter.Int32BitsToSingle(*source << 16);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float LoadF16(ushort* source)
    {
        int bits = ((short)*source << Half16.Shift) & Half16.Mask;
        return BitConverter.Int32BitsToSingle(bits) * Half16.Rebias;
    }

    public static float BroadcastF16(ushort* source) => LoadF16(source);

    public static float LoadI8(sbyte* source) => *source;

    public static float LoadU4(byte* source, int shift) => (*source >> shift) & 15;

    public static void Store(float* destination, float value) => *destination = value;

    public static float Add(float a, float b) => a + b;

    public static float Sub(float a, float b) => a - b;

    public static float Mul(float a, float b) => a * b;

    public static float Div(float a, float b) => a / b;

    public static float Max(float a, float b) => MathF.Max(a, b);

    public static float Fma(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    public static float Round(float value) => MathF.Round(value);

    public static float Scale(float value, float exponent) => value * BitConverter.Int32BitsToSingle(((int)exponent + 127) << 23);

    public static float Sum(float value) => value;

    public static Vector128<float> Sum4(float a, float b, float c, float d) => Vector128.Create(a, b, c, d);

    public static Vector128<float> Max4(float a, float b, float c, float d) => Vector128.Create(a, b, c, d);
}
