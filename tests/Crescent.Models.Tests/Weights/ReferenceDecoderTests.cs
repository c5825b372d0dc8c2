using System.Text.Json;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

/// <summary>The yardstick itself: against recorded outputs of the reference model, and against itself across formats.</summary>
public class ReferenceDecoderTests
{
    [SharedModelTheory]
    [InlineData("")]
    [InlineData("stories260K.f32.gguf")]
    public void Continues_the_reference_model_as_recorded(string file)
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedModels.PathOf(SharedModels.Stories260K, "golden.json")));
        var prompt = Ints(golden.RootElement.GetProperty("prompt_ids"));
        var expected = Ints(golden.RootElement.GetProperty("greedy_ids"));
        using var model = ModelFile.Open(SharedModels.PathOf(SharedModels.Stories260K, file));

        Assert.Equal(expected, new ReferenceDecoder(model).Greedy(prompt, expected.Length));
    }

    [SharedModelTheory]
    [InlineData("")]
    [InlineData("stories260K.f32.gguf")]
    public void Gives_the_recorded_logits_of_the_reference_model(string file)
    {
        using var golden = JsonDocument.Parse(File.ReadAllBytes(SharedModels.PathOf(SharedModels.Stories260K, "golden.json")));
        using var model = ModelFile.Open(SharedModels.PathOf(SharedModels.Stories260K, file));

        var logits = new ReferenceDecoder(model).Logits(Ints(golden.RootElement.GetProperty("prompt_ids")));

        var first = golden.RootElement.GetProperty("logits_after_prompt_first8").EnumerateArray().ToArray();
        Assert.All(first.Index(), item => Assert.Equal(item.Item.GetDouble(), logits[item.Index], 1e-4));
        Assert.All(
            golden.RootElement.GetProperty("top5").EnumerateArray(),
            pair => Assert.Equal(pair[1].GetDouble(), logits[pair[0].GetInt32()], 1e-4));
    }

    [Theory]
    [InlineData("llama", false, false)]
    [InlineData("llama", true, false)]
    [InlineData("llama", false, true)]
    [InlineData("qwen3", false, false)]
    [InlineData("qwen3", true, false)]
    public void A_model_computes_the_same_from_a_folder_and_from_gguf(string architecture, bool tied, bool scaled)
    {
        using var folder = new TemporaryFolder();
        var config = RandomModel.Config(architecture) with
        {
            TiedHead = tied,
            RopeScaling = scaled ? new Llama3RopeScaling(8, 1, 4, 64) : null,
        };
        RandomModel.Write(config, 1, folder["folder"]);
        RandomModel.Write(config, 1, folder["model.gguf"], ModelFormat.Gguf);
        using var first = ModelFile.Open(folder["folder"]);
        using var second = ModelFile.Open(folder["model.gguf"]);
        int[] tokens = [.. Enumerable.Range(0, 40).Select(i => (i * 37) % config.VocabularySize)];

        var expected = new ReferenceDecoder(first).Logits(tokens);
        var actual = new ReferenceDecoder(second).Logits(tokens);

        Assert.All(expected.Index(), item => Assert.Equal(item.Item, actual[item.Index], 1e-4));
    }

    [Theory]
    [InlineData("llama")]
    [InlineData("qwen3")]
    public void Logits_of_random_models_are_neither_flat_nor_saturated(string architecture)
    {
        using var folder = new TemporaryFolder();
        RandomModel.Write(RandomModel.Config(architecture), 2, folder.Path);
        using var model = ModelFile.Open(folder.Path);

        var logits = new ReferenceDecoder(model).Logits([1, 17, 5, 99, 4]);

        Assert.InRange(logits.Max() - logits.Min(), 4, 40);
    }

    private static int[] Ints(JsonElement array) => [.. array.EnumerateArray().Select(item => item.GetInt32())];
}
