using System.Runtime.Intrinsics;
using Crescent.Backends.Cpu.Kernels;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Tests;

public sealed class SimdTests
{
    [Fact]
    public void ExpIsWithinItsStatedErrorOnEveryPath()
    {
        AssertExp<Scalar, float>(KernelPath.Scalar);
        AssertExp<Avx2Fma, Vector256<float>>(KernelPath.Avx2);
        AssertExp<Avx512, Vector512<float>>(KernelPath.Avx512);
    }

    [Fact]
    public void ExpOfMinusInfinityIsNothing()
    {
        Assert.InRange(Simd<Scalar, float>.Exp(float.NegativeInfinity), 0, 1e-37f);
    }

    [Theory]
    [InlineData(1.0f, 0x3f80)]
    [InlineData(-2.5f, 0xc020)]
    [InlineData(1.00390625f, 0x3f80)] // half way between two: to the even one below
    [InlineData(1.01171875f, 0x3f82)] // half way: to the even one above
    [InlineData(float.PositiveInfinity, 0x7f80)]
    [InlineData(float.NaN, 0x7fc0)]
    public void BF16RoundsToNearestEven(float value, int bits) => Assert.Equal(bits, BF16Elements.Round(value));

    [Fact]
    public unsafe void EveryFiniteHalfConvertsExactly()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            ushort half = (ushort)bits;
            float expected = (float)BitConverter.UInt16BitsToHalf(half);
            if (float.IsFinite(expected))
            {
                Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(Scalar.LoadF16(&half)));
            }
        }
    }

    private static unsafe void AssertExp<TSimd, TVec>(KernelPath path)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (!CpuBackend.SupportedPaths.Contains(path))
        {
            return;
        }

        float* lanes = stackalloc float[TSimd.Width];
        for (float x = -86; x < 87; x += 0.0137f)
        {
            TSimd.Store(lanes, Simd<TSimd, TVec>.Exp(TSimd.Broadcast(x)));
            double expected = Math.Exp(x);
            for (int lane = 0; lane < TSimd.Width; lane++)
            {
                Assert.InRange(lanes[lane] / expected, 1 - 3e-7, 1 + 3e-7);
            }
        }
    }
}
