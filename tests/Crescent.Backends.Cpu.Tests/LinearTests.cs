using Crescent.Testing;

namespace Crescent.Backends.Cpu.Tests;

public sealed class LinearTests
{
    public static TheoryData<KernelPath, DType> Kernels()
    {
        var data = new TheoryData<KernelPath, DType>();
        foreach (var path in CpuBackend.SupportedPaths)
        {
            foreach (var type in Enum.GetValues<DType>())
            {
                data.Add(path, type);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Kernels))]
    public void EqualsDequantiseThenDouble(KernelPath path, DType type)
    {
        // Outputs and rows around the tile sizes; inputs with and without a tail, and over two chunks.
        int[] inputs = type.RunLength() > 1 ? [type.RunLength(), 1024 + type.RunLength()] : [1, 15, 64, 107, 1099];
        foreach (int columns in inputs)
        {
            foreach (int outputs in new[] { 1, 3, 6, 17, 37 })
            {
                AssertLinear(path, type, columns, outputs, rows: 1);
                AssertLinear(path, type, columns, outputs, rows: 7);
            }
        }
    }

    /// <summary>
    /// One row reads weights as stored, more share panels, 131 take two blocks of rows; three layers in one job or alone.
    /// </summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public unsafe void ARowsBitsDoNotDependOnTheRowsBesideItOrOnTheJob(KernelPath path, DType type)
    {
        const int Rows = 131, Outputs = 29;
        int inputs = 1024 + (type.RunLength() > 1 ? type.RunLength() : 27);
        var random = new Random(5);
        float[] x = Random(random, Rows * inputs);
        byte[] encoded = WeightEncoding.Encode(Random(random, Outputs * inputs), type);
        fixed (byte* data = encoded)
        {
            var source = new WeightSource("w", type, Outputs, inputs, (nint)data);
            float[] singly = [.. Enumerable.Range(0, Rows).SelectMany(row => Run(threads: 1, row, rows: 1, outputs: 1)[0])];
            foreach (int rows in new[] { 2, 3, 7, Rows })
            {
                foreach (float[] together in Run(threads: 3, first: 0, rows, outputs: 3))
                {
                    Assert.Equal(Bits(singly[..(rows * Outputs)]), Bits(together));
                }
            }

            float[][] Run(int threads, int first, int rows, int outputs)
            {
                using var backend = CpuBackend.Create(threads, path);
                using var weight = backend.LoadWeight(source);
                using var input = backend.CreateActivation(rows, inputs);
                backend.Upload(x.AsSpan(first * inputs, rows * inputs), input);
                CpuTensor[] results = [.. Enumerable.Range(0, outputs).Select(_ => backend.CreateActivation(rows, Outputs))];
                Array.ForEach(results, output => backend.Linear(input, weight, output, rows, accumulate: false));
                return Array.ConvertAll(results, output =>
                {
                    var values = new float[rows * Outputs];
                    backend.Download(output, values);
                    output.Dispose();
                    return values;
                });
            }
        }
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);

    private static unsafe void AssertLinear(KernelPath path, DType type, int inputs, int outputs, int rows)
    {
        var random = new Random(inputs + outputs + rows);
        var values = Random(random, outputs * inputs);
        byte[] encoded = WeightEncoding.Encode(values, type);
        float[] x = Random(random, rows * inputs);
        float[] y = Random(random, rows * outputs);
        double[] weights;
        fixed (byte* data = encoded)
        {
            weights = WeightEncoding.Decode(new WeightSource("w", type, outputs, inputs, (nint)data));
        }

        var expected = new double[rows * outputs];
        for (int r = 0; r < rows; r++)
        {
            for (int n = 0; n < outputs; n++)
            {
                expected[(r * outputs) + n] = y[(r * outputs) + n]
                    + Enumerable.Range(0, inputs).Sum(k => x[(r * inputs) + k] * weights[(n * inputs) + k]);
            }
        }

        using var backend = CpuBackend.Create(threads: 2, path);
        fixed (byte* data = encoded)
        {
            // A vector (one row) is a norm's weight to a backend and kept as fp32; the kernel is the same.
            using var weight = backend.LoadWeight(new WeightSource("w", type, outputs, inputs, (nint)data));
            using var input = backend.CreateActivation(rows, inputs);
            using var output = backend.CreateActivation(rows, outputs);
            backend.Upload(x, input);
            backend.Upload(y, output);
            backend.Linear(input, weight, output, rows, accumulate: true);
            backend.Download(output, y);
        }

        for (int i = 0; i < y.Length; i++)
        {
            Assert.Equal(expected[i], y[i], 1e-4);
        }
    }

    private static float[] Random(Random random, int count) => [.. Enumerable.Range(0, count).Select(_ => (float)((random.NextDouble() * 2) - 1))];
}
