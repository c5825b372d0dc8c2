using System.Text.Json;
using Crescent.Models.Tests.Support;
using Crescent.Testing;

namespace Crescent.Models.Tests;

/// <summary>The decoder against a plain double-precision one that shares no code with it.</summary>
public sealed class DecoderTests
{
    private const float Tolerance = 1e-3f;

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

    [Theory]
    [MemberData(nameof(Models))]
    public void LogitsOfEveryPositionEqualTheReference(string architecture, ModelFormat format, DType type) =>
        AssertEqualsReference(RandomModel.Config(architecture), format, type);

    [Theory]
    [InlineData(ModelFormat.Folder)]
    [InlineData(ModelFormat.Gguf)]
    public void Llama3RopeScalingEqualsTheReference(ModelFormat format) => AssertEqualsReference(
        RandomModel.Config() with { RopeTheta = 500_000, RopeScaling = new(8, 1, 4, 64) }, format, DType.F32);

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen3")]
    public void TiedHeadEqualsTheReference(string architecture) =>
        AssertEqualsReference(RandomModel.Config(architecture) with { TiedHead = true }, ModelFormat.Folder, DType.BF16);

    [Fact]
    public void DimensionsThatFitNoVectorEqualTheReference() => AssertEqualsReference(
        RandomModel.Config() with { HiddenSize = 52, IntermediateSize = 107, HeadDim = 10, VocabularySize = 131 }, ModelFormat.Folder, DType.F32);

    [SharedModelFact]
    public void LogitsAfterTheGoldenPromptAreThoseOfTheReferenceModel()
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(SharedModels.PathOf(SharedModels.Stories260K, "golden.json")));
        int[] prompt = golden.RootElement.GetProperty("prompt_ids").Deserialize<int[]>()!;
        float[] expected = golden.RootElement.GetProperty("logits_after_prompt_first8").Deserialize<float[]>()!;
        foreach (string file in new[] { "", "stories260K.f32.gguf" })
        {
            using var run = new DecoderRun(SharedModels.PathOf(SharedModels.Stories260K, file));
            var logits = run.Run(prompt, prompt.Length).Logits[^run.File.Config.VocabularySize..];
            Assert.All(expected, (value, i) => Assert.Equal(value, logits[i], Tolerance));
        }
    }

    private static void AssertEqualsReference(DecoderConfig config, ModelFormat format, DType type)
    {
        using var folder = new TemporaryFolder();
        string path = folder["model" + (format == ModelFormat.Gguf ? ".gguf" : "")];
        RandomModel.Write(config, seed: 11, path, format, type);
        int[] tokens = Tokens(seed: 5, count: 45, config.VocabularySize);
        using var run = new DecoderRun(path);
        var expected = new ReferenceDecoder(run.File).AllLogits(tokens);
        var actual = run.Run(tokens, chunk: 17).Logits;
        for (int position = 0; position < tokens.Length; position++)
        {
            for (int token = 0; token < config.VocabularySize; token++)
            {
                Assert.Equal(expected[position][token], actual[(position * config.VocabularySize) + token], Tolerance);
            }
        }
    }

    private static int[] Tokens(int seed, int count, int vocabulary)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.Next(vocabulary))];
    }
}
