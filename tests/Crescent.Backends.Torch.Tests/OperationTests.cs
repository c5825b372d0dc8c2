using Crescent.Backends.Cpu;
using Crescent.Backends.Torch.Tests.Support;
using Crescent.Testing;
using TorchSharp;

namespace Crescent.Backends.Torch.Tests;

/// <summary>Every operation on matrices against the CPU backend's scalar kernels, or where those may round, against doubles.</summary>
public sealed class OperationTests : IDisposable
{
    private const float Tolerance = 2e-6f;
    private readonly BackendProbe<CpuTensor> _cpu = new(CpuBackend.Create(threads: 1, KernelPath.Scalar));
    private readonly BackendProbe<TorchTensor> _torch = new(new TorchBackend());

    public static TheoryData<DType> Types => [.. Enum.GetValues<DType>()];

    public void Dispose()
    {
        _cpu.Dispose();
        _torch.Dispose();
    }

    [TorchTheory]
    [MemberData(nameof(Types))]
    public void EmbedIsExact(DType type)
    {
        var table = Matrix(type, 7);
        int[] tokens = [6, 0, 3, 3, 5];
        Assert.Equal(_cpu.Embed(table, tokens), _torch.Embed(table, tokens));
    }

    [TorchFact]
    public void GatherIsExact()
    {
        float[] input = Values.Random(1, 5 * 9);
        Assert.Equal(_cpu.Gather(input, 9, [4, 1, 1]), _torch.Gather(input, 9, [4, 1, 1]));
    }

    [TorchTheory]
    [InlineData(DType.F32, 40, false)]
    [InlineData(DType.F16, 40, true)]
    [InlineData(DType.BF16, 8, true)] // heads: five runs a row
    public void RmsNormEqualsTheCpuBackend(DType type, int runLength, bool inPlace)
    {
        float[] input = Values.Random(2, 3 * 40);
        var weight = new StoredMatrix(Values.Random(3, runLength), type, 1, runLength);
        int runs = 2 * 40 / runLength;
        float[] expected = _cpu.RmsNorm(input, 3, weight, 1e-5f, runs, inPlace);
        float[] actual = _torch.RmsNorm(input, 3, weight, 1e-5f, runs, inPlace);
        Values.AssertClose(expected[..80], actual[..80], Tolerance);
        Assert.Equal(inPlace ? input[80..] : new float[40], actual[80..]);
    }

    [TorchTheory]
    [MemberData(nameof(Types))]
    public void LinearEqualsDequantiseThenDouble(DType type)
    {
        foreach (int inputs in type.RunLength() == 1 ? new[] { 1, 15, 107 } : [type.RunLength(), 3 * type.RunLength()])
        {
            foreach (int rows in new[] { 1, 6 })
            {
                AssertLinear(type, inputs, outputs: 37, rows, accumulate: false);
                AssertLinear(type, inputs, outputs: 5, rows, accumulate: true);
            }
        }
    }

    [TorchTheory]
    [InlineData(DType.F32)]
    [InlineData(DType.F16)]
    [InlineData(DType.BF16)]
    public void LinearEqualsTheCpuBackend(DType type)
    {
        var weight = new StoredMatrix(Values.Random(1, 17 * 64), type, 17, 64);
        float[] input = Values.Random(2, 5 * 64);
        float[] output = Values.Random(3, 5 * 17);
        Values.AssertClose(
            _cpu.Linear(input, 5, weight, output, accumulate: true), _torch.Linear(input, 5, weight, output, accumulate: true), 5e-6f);
    }

    [TorchTheory]
    [InlineData(DType.BF16)]
    [InlineData(DType.Q8_0)]
    public void ANarrowLinearRoundsItsInputAndOutput(DType type)
    {
        // A sum of 64 products below 1: BF16 keeps eight bits of inputs, weights and the result.
        using var narrow = new BackendProbe<TorchTensor>(new TorchBackend(new() { Weights = TorchWeights.Narrow }));
        var weight = new StoredMatrix(Values.Random(1, 17 * 64), type, 17, 64);
        float[] input = Values.Random(2, 5 * 64);
        float[] exact = _torch.Linear(input, 5, weight, new float[5 * 17], accumulate: false);
        float[] actual = narrow.Linear(input, 5, weight, new float[5 * 17], accumulate: false);
        Values.AssertClose(exact, actual, 0.05f);
        Assert.NotEqual(exact, actual);
    }

    [TorchTheory]
    [MemberData(nameof(Types))]
    public void StoredWeightsGiveTheBitsOfWidenedOnes(DType type)
    {
        using var stored = new BackendProbe<TorchTensor>(new TorchBackend(new() { Weights = TorchWeights.Stored }));
        var weight = Matrix(type, 17);
        int columns = weight.Source.Columns;
        float[] input = Values.Random(2, 5 * columns);
        Assert.Equal(
            _torch.Linear(input, 5, weight, new float[5 * 17], accumulate: false), stored.Linear(input, 5, weight, new float[5 * 17], accumulate: false));
        Assert.Equal(_torch.Embed(weight, [3, 1]), stored.Embed(weight, [3, 1]));
        var norm = Matrix(type, 1);
        Assert.Equal(_torch.RmsNorm(input, 5, norm, 1e-5f, 5, inPlace: false), stored.RmsNorm(input, 5, norm, 1e-5f, 5, inPlace: false));
    }

    [TorchFact]
    public void SwiGluEqualsTheCpuBackend()
    {
        float[] gate = [.. Values.Random(1, 3 * 21).Select(value => value * 20)];
        float[] up = Values.Random(2, 3 * 21);
        Values.AssertClose(_cpu.SwiGlu(gate, up, 3), _torch.SwiGlu(gate, up, 3), 5e-6f);
    }

    [TorchTheory]
    [MemberData(nameof(Types))]
    public void AWeightLoadedInPiecesIsWhole(DType type)
    {
        var matrix = Matrix(type, 7);
        using var whole = HostCopy.Load(matrix.Source, torch.ScalarType.Float32, torch.CPU);
        using var pieces = HostCopy.Load(matrix.Source, torch.ScalarType.Float32, torch.CPU, pieceBytes: 2 * matrix.Source.Columns * sizeof(float));
        Assert.Equal(matrix.Values.Select(value => (float)value), whole.data<float>());
        Assert.Equal(matrix.Values.Select(value => (float)value), pieces.data<float>());
    }

    [TorchFact]
    public void UploadAndDownloadTakeTheFirstElements()
    {
        var activation = _torch.Filled(2, [1, 2, 3, 4, 5, 6]);
        _torch.Backend.Upload([7, 8, 9, 10], activation);
        Assert.Equal([7, 8, 9, 10, 5], _torch.Read(activation, 5));
    }

    /// <summary>64 columns, or a run of more.</summary>
    private static StoredMatrix Matrix(DType type, int rows)
    {
        int columns = Math.Max(64, type.RunLength());
        return new StoredMatrix(Values.Random(rows, rows * columns), type, rows, columns);
    }

    private void AssertLinear(DType type, int inputs, int outputs, int rows, bool accumulate)
    {
        var weight = new StoredMatrix(Values.Random(inputs, outputs * inputs), type, outputs, inputs);
        float[] input = Values.Random(rows, rows * inputs);
        float[] output = Values.Random(outputs, rows * outputs);
        double[] weights = weight.Values;
        float[] actual = _torch.Linear(input, rows, weight, output, accumulate);
        for (int i = 0; i < actual.Length; i++)
        {
            var (row, column) = Math.DivRem(i, outputs);
            double product = Enumerable.Range(0, inputs).Sum(k => input[(row * inputs) + k] * weights[(column * inputs) + k]);
            Assert.Equal(product + (accumulate ? output[i] : 0), actual[i], 1e-5);
        }
    }
}
