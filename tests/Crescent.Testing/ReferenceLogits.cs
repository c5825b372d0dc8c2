using Crescent.Models;
using Xunit;

namespace Crescent.Testing;

/// <summary>Random models on a backend against the <see cref="ReferenceDecoder"/>.</summary>
public static class ReferenceLogits
{
    private const int Positions = 45;
    private const int Chunk = 17;

    /// <summary>Every architecture in every dtype of every format.</summary>
    public static TheoryData<string, ModelFormat, DType> Models()
    {
        var data = new TheoryData<string, ModelFormat, DType>();
        foreach (string architecture in new[] { "llama", "qwen3" })
        {
            data.Add(architecture, ModelFormat.Folder, DType.F32);
            data.Add(architecture, ModelFormat.Folder, DType.F16);
            data.Add(architecture, ModelFormat.Folder, DType.BF16);
            data.Add(architecture, ModelFormat.Gguf, DType.F32);
            data.Add(architecture, ModelFormat.Gguf, DType.F16);
            data.Add(architecture, ModelFormat.Gguf, DType.BF16);
            data.Add(architecture, ModelFormat.Gguf, DType.Q8_0);
        }

        return data;
    }

    /// <summary>The largest distance of a logit at any position of a sequence that is computed in chunks; not a number if one is none.</summary>
    /// <param name="backend">Is disposed.</param>
    public static double LargestError<T>(IBackend<T> backend, DecoderConfig config, ModelFormat format, DType type, DType kv = DType.F32)
        where T : class
    {
        using var folder = new TemporaryFolder();
        string path = folder["model" + (format == ModelFormat.Gguf ? ".gguf" : "")];
        RandomModel.Write(config, seed: 11, path, format, type);
        var random = new Random(5);
        int[] tokens = [.. Enumerable.Range(0, Positions).Select(_ => random.Next(config.VocabularySize))];
        using var run = new DecoderRun<T>(path, backend, kv);
        double[] expected = [.. new ReferenceDecoder(run.File).AllLogits(tokens).SelectMany(row => row)];
        float[] actual = run.Run(tokens, Chunk).Logits;
        return expected.Select((value, i) => Math.Abs(value - actual[i])).Aggregate(0.0, Math.Max);
    }
}
