using System.Diagnostics;
using System.Runtime.InteropServices;
using Crescent.Backends.Cpu;
using Crescent.Testing;

namespace Crescent.Bench.Engine;

/// <summary>Linear layers by themselves, through the backend's seam.</summary>
internal static unsafe class KernelTimings
{
    /// <summary>Weights that are read one after the other exceed every cache.</summary>
    private const long ColdBytes = 512L << 20;
    private static readonly TimeSpan Sampled = TimeSpan.FromSeconds(0.5);

    /// <summary>GFLOP/s of [rows, inputs] by [outputs, inputs] transposed.</summary>
    public static double[] Gemm(int threads, DType format, int rows, int inputs, int outputs, int repeats) =>
        Rates(threads, format, rows, inputs, outputs, matrices: 1, repeats, 2e-9 * rows * inputs * outputs);

    /// <summary>GB/s of weights that one row reads from memory.</summary>
    public static double[] Gemv(int threads, DType format, int inputs, int outputs, int repeats)
    {
        long bytes = format.RowBytes(inputs) * outputs;
        return Rates(threads, format, rows: 1, inputs, outputs, (int)(ColdBytes / bytes) + 1, repeats, bytes / 1e9);
    }

    private static double[] Rates(int threads, DType format, int rows, int inputs, int outputs, int matrices, int repeats, double amount)
    {
        using var backend = CpuBackend.Create(threads);
        var weights = new List<CpuTensor>();
        var memory = new List<nint>();
        var random = new Random(1);
        var row = RandomRow(random, inputs);
        var encoded = WeightEncoding.Encode(row, format);
        for (int i = 0; i < matrices; i++)
        {
            var data = (byte*)NativeMemory.AlignedAlloc((nuint)encoded.Length * (nuint)outputs, 64);
            memory.Add((nint)data);
            for (int r = 0; r < outputs; r++)
            {
                encoded.CopyTo(new Span<byte>(data + ((long)r * encoded.Length), encoded.Length));
            }

            weights.Add(backend.LoadWeight(new WeightSource("bench", format, outputs, inputs, (nint)data)));
        }

        var input = backend.CreateActivation(rows, inputs);
        var output = backend.CreateActivation(rows, outputs);
        backend.Upload(RandomRow(random, rows * inputs), input);
        var rates = new List<double>();
        for (int sample = 0; sample <= repeats; sample++)
        {
            int calls = 0;
            var started = Stopwatch.GetTimestamp();
            do
            {
                backend.Linear(input, weights[calls++ % matrices], output, rows, accumulate: false);
                backend.Wait(backend.Fence());
            }
            while (Stopwatch.GetElapsedTime(started) < Sampled || calls < matrices);
            rates.Add(amount * calls / Stopwatch.GetElapsedTime(started).TotalSeconds);
        }

        weights.Concat([input, output]).ToList().ForEach(backend.Release);
        memory.ForEach(data => NativeMemory.AlignedFree((void*)data));
        return [.. rates.Skip(1)];
    }

    private static float[] RandomRow(Random random, int count)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
        {
            value = (random.NextSingle() - 0.5f) / 4;
        }

        return values;
    }
}
