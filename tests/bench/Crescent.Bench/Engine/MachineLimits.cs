using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crescent.Bench.Engine;

/// <summary>What this machine can do at most, with the instructions managed code can use.</summary>
internal static unsafe class MachineLimits
{
    private const long ArrayBytes = 1L << 30;
    private const int Unrolled = 12;
    private const long FmaSteps = 20_000_000;

    /// <summary>Gigabytes a second that the threads read together from an array of 1 GiB, every byte once.</summary>
    public static double[] ReadBandwidth(int threads, int repeats)
    {
        var data = (byte*)NativeMemory.AlignedAlloc((nuint)ArrayBytes, 4096);
        try
        {
            NativeMemory.Fill(data, (nuint)ArrayBytes, 1);
            long part = ArrayBytes / threads / 4096 * 4096;
            return Rates(repeats, threads, thread => Read(data + (thread * part), part), part * threads / 1e9);
        }
        finally
        {
            NativeMemory.AlignedFree(data);
        }
    }

    /// <summary>fp32 GFLOP/s of fused multiply-adds on registers, all threads together.</summary>
    public static double[] FmaPeak(int threads, int repeats)
    {
        bool wide = Vector512.IsHardwareAccelerated || Avx512F.IsSupported;
        double flops = 2.0 * (wide ? 16 : 8) * Unrolled * FmaSteps * threads / 1e9;
        return Rates(repeats, threads, _ => wide ? Fma512() : Fma256(), flops);
    }

    /// <summary>Runs the work on every thread at once, once to warm up, and gives amount / seconds of each repeat.</summary>
    private static double[] Rates(int repeats, int threads, Func<int, double> work, double amount)
    {
        var rates = new List<double>();
        for (int i = 0; i <= repeats; i++)
        {
            using var start = new Barrier(threads + 1);
            var running = Enumerable.Range(0, threads).Select(thread => new Thread(() =>
            {
                start.SignalAndWait();
                GC.KeepAlive(work(thread));
            })).ToArray();
            Array.ForEach(running, thread => thread.Start());
            start.SignalAndWait();
            long started = Stopwatch.GetTimestamp();
            Array.ForEach(running, thread => thread.Join());
            rates.Add(amount / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        return [.. rates.Skip(1)];
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Read(byte* data, long bytes)
    {
        Vector512<int> a = default, b = default, c = default, d = default;
        for (byte* end = data + bytes; data < end; data += 256)
        {
            a ^= Vector512.Load((int*)data);
            b ^= Vector512.Load((int*)(data + 64));
            c ^= Vector512.Load((int*)(data + 128));
            d ^= Vector512.Load((int*)(data + 192));
        }

        return Vector512.Sum(a ^ b ^ c ^ d);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Fma512()
    {
        var x = Vector512.Create(0.999f);
        var y = Vector512.Create(0.001f);
        Vector512<float> a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, a10 = x, a11 = x;
        for (long i = 0; i < FmaSteps; i++)
        {
            a0 = Fma(a0, x, y);
            a1 = Fma(a1, x, y);
            a2 = Fma(a2, x, y);
            a3 = Fma(a3, x, y);
            a4 = Fma(a4, x, y);
            a5 = Fma(a5, x, y);
            a6 = Fma(a6, x, y);
            a7 = Fma(a7, x, y);
            a8 = Fma(a8, x, y);
            a9 = Fma(a9, x, y);
            a10 = Fma(a10, x, y);
            a11 = Fma(a11, x, y);
        }

        return Vector512.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);

        static Vector512<float> Fma(Vector512<float> a, Vector512<float> x, Vector512<float> y) =>
            Avx512F.FusedMultiplyAdd(a, x, y);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Fma256()
    {
        var x = Vector256.Create(0.999f);
        var y = Vector256.Create(0.001f);
        Vector256<float> a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, a10 = x, a11 = x;
        for (long i = 0; i < FmaSteps; i++)
        {
            a0 = Vector256.FusedMultiplyAdd(a0, x, y);
            a1 = Vector256.FusedMultiplyAdd(a1, x, y);
            a2 = Vector256.FusedMultiplyAdd(a2, x, y);
            a3 = Vector256.FusedMultiplyAdd(a3, x, y);
            a4 = Vector256.FusedMultiplyAdd(a4, x, y);
            a5 = Vector256.FusedMultiplyAdd(a5, x, y);
            a6 = Vector256.FusedMultiplyAdd(a6, x, y);
            a7 = Vector256.FusedMultiplyAdd(a7, x, y);
            a8 = Vector256.FusedMultiplyAdd(a8, x, y);
            a9 = Vector256.FusedMultiplyAdd(a9, x, y);
            a10 = Vector256.FusedMultiplyAdd(a10, x, y);
            a11 = Vector256.FusedMultiplyAdd(a11, x, y);
        }

        return Vector256.Sum(a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11);
    }
}
