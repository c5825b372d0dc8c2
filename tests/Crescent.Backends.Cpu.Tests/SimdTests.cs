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
    public void EveryFiniteHalfConvertsExactly()
    {
        AssertHalves<Scalar, float>(KernelPath.Scalar);
        AssertHalves<Avx2Fma, Vector256<float>>(KernelPath.Avx2);
        AssertHalves<Avx512, Vector512<float>>(KernelPath.Avx512);
    }

    [Fact]
    public void FourReductionsAreTheSingleOnes()
    {
        AssertReductions<Scalar, float>(KernelPath.Scalar);
        AssertReductions<Avx2Fma, Vector256<float>>(KernelPath.Avx2);
        AssertReductions<Avx512, Vector512<float>>(KernelPath.Avx512);
    }

    private static unsafe void AssertHalves<TSimd, TVec>(KernelPath path)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (!CpuBackend.SupportedPaths.Contains(path))
        {
            return;
        }

        ushort* halves = stackalloc ushort[TSimd.Width];
        float* lanes = stackalloc float[TSimd.Width];
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            float expected = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
            if (!float.IsFinite(expected))
            {
                continue;
            }

            new Span<ushort>(halves, TSimd.Width).Fill((ushort)bits);
            foreach (var converted in new[] { TSimd.LoadF16(halves), TSimd.BroadcastF16(halves) })
            {
                TSimd.Store(lanes, converted);
                for (int lane = 0; lane < TSimd.Width; lane++)
                {
                    Assert.Equal(BitConverter.SingleToInt32Bits(expected), BitConverter.SingleToInt32Bits(lanes[lane]));
                }
            }
        }
    }

    private static unsafe void AssertReductions<TSimd, TVec>(KernelPath path)
        where TSimd : struct, ISimd<TVec>
        where TVec : unmanaged
    {
        if (!CpuBackend.SupportedPaths.Contains(path))
        {
            return;
        }

        var random = new Random(3);
        float* values = stackalloc float[4 * TSimd.Width];
        for (int round = 0; round < 1000; round++)
        {
            for (int i = 0; i < 4 * TSimd.Width; i++)
            {
                values[i] = (float)(random.NextDouble() - 0.5) * MathF.Pow(2, random.Next(-20, 20));
            }

            TVec a = TSimd.Load(values), b = TSimd.Load(values + TSimd.Width), c = TSimd.Load(values + (2 * TSimd.Width)), d = TSimd.Load(values + (3 * TSimd.Width));
            Assert.Equal(Vector128.Create(TSimd.Sum(a), TSimd.Sum(b), TSimd.Sum(c), TSimd.Sum(d)), TSimd.Sum4(a, b, c, d));
            var largest = TSimd.Max4(a, b, c, d);
            for (int vector = 0; vector < 4; vector++)
            {
                Assert.Equal(new Span<float>(values + (vector * TSimd.Width), TSimd.Width).ToArray().Max(), largest[vector]);
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
