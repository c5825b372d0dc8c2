using Crescent.Backends.Cpu;
using Crescent.Models.Tests.Support;
using Crescent.Testing;

namespace Crescent.Models.Tests;

/// <summary>
/// Invariant 9: within one numerics id the bits of a position's KV and logits depend on its token prefix alone. The
/// baseline computes one row a step on one thread; everything else must give the same bits.
/// </summary>
public sealed class RowInvarianceTests
{
    private const int Positions = 520;

    public static TheoryData<KernelPath, string, DType, DType> Numerics()
    {
        var data = new TheoryData<KernelPath, string, DType, DType>();
        foreach (var path in CpuBackend.SupportedPaths)
        {
            data.Add(path, "llama", DType.F32, DType.F32);
            data.Add(path, "llama", DType.BF16, DType.BF16);
            data.Add(path, "llama", DType.Q8_0, DType.BF16);
            data.Add(path, "qwen3", DType.F16, DType.F32);
            data.Add(path, "qwen3", DType.BF16, DType.Q8_0);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Numerics))]
    public void BitsDoNotDependOnChunksThreadsOrTheBatch(KernelPath path, string architecture, DType weights, DType kv)
    {
        // Dimensions that are no multiple of a vector or a tile, so that every tail is walked.
        var config = RandomModel.Config(architecture) with
        {
            VocabularySize = 67,
            HiddenSize = 64,
            IntermediateSize = 96,
            Layers = 2,
            HeadDim = kv == DType.Q8_0 ? 32 : 20,
            ContextLength = 1024,
        };
        using var folder = new TemporaryFolder();
        bool gguf = weights == DType.Q8_0;
        string file = folder[gguf ? "model.gguf" : "model"];
        RandomModel.Write(config, seed: 3, file, gguf ? ModelFormat.Gguf : ModelFormat.Folder, weights);
        var random = new Random(9);
        int[][] sequences = [.. Enumerable.Range(0, 16).Select(_ => Enumerable.Range(0, Positions).Select(_ => random.Next(67)).ToArray())];
        var baseline = Run(threads: 1, run => run.Run(sequences[0], chunk: 1));

        AssertSameBits(baseline, Run(threads: 2, run => run.Run(sequences[0], chunk: 7)));
        AssertSameBits(baseline, Run(threads: 3, run => run.Run(sequences[0], chunk: 64)));
        AssertSameBits(baseline, Run(threads: 1, run => run.Run(sequences[0], chunk: 64)));
        AssertSameBits(baseline, Run(threads: 2, run => run.Run(sequences[0], chunk: 512)));
        AssertSameBits(Prefix(baseline, config, 60), Run(threads: 3, run => run.Run(Shorten(sequences, 60), chunk: 1)[0]));
        AssertSameBits(Prefix(baseline, config, 60), Run(threads: 2, run => run.Run(Shorten(sequences, 60), chunk: 7)[0]));

        DecoderResult Run(int threads, Func<DecoderRun, DecoderResult> act)
        {
            using var run = new DecoderRun(file, path, threads, kv);
            return act(run);
        }
    }

    private static int[][] Shorten(int[][] sequences, int length) => [.. sequences.Select(tokens => tokens[..length])];

    /// <summary>What a run of the first positions would have given; their KV is compared through the logits that read it.</summary>
    private static DecoderResult Prefix(DecoderResult whole, DecoderConfig config, int positions) =>
        new(whole.Logits[..(positions * config.VocabularySize)], []);

    private static void AssertSameBits(DecoderResult expected, DecoderResult actual)
    {
        Assert.Equal(Bits(expected.Logits), Bits(actual.Logits));
        if (expected.Kv.Length > 0)
        {
            Assert.Equal(expected.Kv, actual.Kv);
        }
    }

    private static int[] Bits(float[] values) => Array.ConvertAll(values, BitConverter.SingleToInt32Bits);
}
