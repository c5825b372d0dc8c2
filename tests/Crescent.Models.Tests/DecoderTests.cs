using System.Text.Json;
using Crescent.Backends.Cpu;
using Crescent.Models.Tests.Support;
using Crescent.Testing;

namespace Crescent.Models.Tests;

/// <summary>The decoder against a plain double-precision one that shares no code with it.</summary>
public sealed class DecoderTests
{
    private const float Tolerance = 1e-3f;

    [Theory]
    [MemberData(nameof(ReferenceLogits.Models), MemberType = typeof(ReferenceLogits))]
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

    private static void AssertEqualsReference(DecoderConfig config, ModelFormat format, DType type) =>
        Assert.InRange(ReferenceLogits.LargestError(CpuBackend.Create(threads: 2), config, format, type), 0, Tolerance);
}
