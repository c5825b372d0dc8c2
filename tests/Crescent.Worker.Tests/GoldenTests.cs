using System.Text.Json;
using Crescent.Backends.Cpu;
using Crescent.Models.Tokenizers;
using Crescent.Testing;
using Crescent.Worker.Tests.Support;

namespace Crescent.Worker.Tests;

/// <summary>A trained model through scheduler, decoder and sampler, against ids on which three other engines agree.</summary>
public sealed class GoldenTests
{
    public static TheoryData<KernelPath, DType, string> Runs()
    {
        var data = new TheoryData<KernelPath, DType, string>();
        foreach (var path in CpuBackend.SupportedPaths)
        {
            foreach (var kv in new[] { DType.F32, DType.BF16 })
            {
                data.Add(path, kv, "");
                data.Add(path, kv, "stories260K.f32.gguf");
            }
        }

        return data;
    }

    public static TheoryData<KernelPath, string> OwnModels()
    {
        var data = new TheoryData<KernelPath, string>();
        foreach (var path in CpuBackend.SupportedPaths)
        {
            data.Add(path, Repository.CrescentXs);
            data.Add(path, Repository.CrescentS);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(OwnModels))]
    public async Task OurModelsGiveTheIdsOfTheirReference(KernelPath kernels, string model)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "golden", Path.GetFileName(model) + ".json")));
        string prompt = golden.RootElement.GetProperty("prompt").GetString()!;
        int[] ids = golden.RootElement.GetProperty("prompt_ids").Deserialize<int[]>()!;
        int[] expected = golden.RootElement.GetProperty("greedy_ids").Deserialize<int[]>()!;
        var tokenizer = TokenizerJson.Load(Path.Combine(model, "tokenizer.json"));
        Assert.Equal(ids, tokenizer.Encode(prompt, addSpecialTokens: true, parseSpecialTokens: true));
        using var engine = new Engine(new EngineSetup(model) { Path = kernels });
        Assert.Equal(expected, await engine.TokensAsync(Engine.Greedy(ids, expected.Length)));
    }

    [SharedModelTheory]
    [MemberData(nameof(Runs))]
    public async Task GreedyIdsAreThoseOfTheReferenceModel(KernelPath path, DType kv, string file)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(SharedModels.PathOf(SharedModels.Stories260K, "golden.json")));
        int[] prompt = golden.RootElement.GetProperty("prompt_ids").Deserialize<int[]>()!;
        int[] expected = golden.RootElement.GetProperty("greedy_ids").Deserialize<int[]>()!;
        Assert.Equal(200, expected.Length);
        using var engine = new Engine(new EngineSetup(SharedModels.PathOf(SharedModels.Stories260K, file)) { Path = path, KvType = kv });
        Assert.Equal(expected, await engine.TokensAsync(Engine.Greedy(prompt, 200)));
    }
}
