using Crescent.Backends.Cpu;
using Crescent.Evaluation.Measures;
using Crescent.Models;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Measures;

/// <summary>A small random model with a random text, on the CPU backend.</summary>
public sealed class MeasuredModel : IDisposable
{
    public static readonly MeasuredSetup F32 = new(DType.F32);
    public static readonly MeasuredSetup BF16 = new(DType.BF16);
    public static readonly MeasuredSetup Q8 = new(DType.Q8_0);

    private readonly TemporaryFolder _folder = new();
    private readonly IBackend<CpuTensor> _backend = CpuBackend.Create(threads: 2);

    public MeasuredModel(int textLength, DecoderConfig? config = null)
    {
        RandomModel.Write(config ?? (RandomModel.Config() with { HeadDim = 32 }), seed: 7, _folder.Path);
        File = ModelFile.Open(_folder.Path);
        var random = new Random(3);
        int[] text = [.. Enumerable.Range(0, textLength).Select(_ => random.Next(File.Config.VocabularySize))];
        Input = new MeasureInput<CpuTensor>(_backend, File, text);
    }

    public ModelFile File { get; }

    public MeasureInput<CpuTensor> Input { get; }

    public void Dispose()
    {
        File.Dispose();
        _backend.Dispose();
        _folder.Dispose();
    }
}
