using System.Text.Json;
using Crescent.Backends.Torch.Tests.Support;
using Crescent.Testing;

namespace Crescent.Backends.Torch.Tests;

/// <summary>Trained models through scheduler, decoder and sampler, against the recorded ids of their references.</summary>
public sealed class GoldenTests
{
    /// <summary>Up to here the two best logits are far enough apart for 16 bits.</summary>
    private const int WideGap = 180;

    public static TheoryData<DType, DType, TorchWeights> Runs()
    {
        var data = new TheoryData<DType, DType, TorchWeights>();
        foreach (var kv in new[] { DType.F32, DType.BF16 })
        {
            data.Add(DType.F32, kv, TorchWeights.Widened);
            data.Add(DType.F16, kv, TorchWeights.Widened);
            data.Add(DType.F16, kv, TorchWeights.Stored);
            data.Add(DType.BF16, kv, TorchWeights.Stored);
        }

        return data;
    }

    [TorchFact]
    public async Task TheBundledModelGivesTheIdsOfItsReference()
    {
        string golden = Path.Combine(Repository.Root, "tests", "golden", "crescent-xs.json");
        var (prompt, expected) = Read(golden);
        using var run = new WorkerRun<TorchTensor>(new WorkerSetup(Repository.CrescentXs), new TorchBackend());
        Assert.Equal(expected, await run.TokensAsync(WorkerRun<TorchTensor>.Greedy(prompt, expected.Length)));
    }

    [TorchTheory(SharedModels.Stories260K)]
    [InlineData("")]
    [InlineData("stories260K.f32.gguf")]
    public async Task AllIdsOfTheReferenceModelInF32(string file)
    {
        var (prompt, expected) = Read(SharedModels.PathOf(SharedModels.Stories260K, "golden.json"));
        using var run = new WorkerRun<TorchTensor>(new WorkerSetup(SharedModels.PathOf(SharedModels.Stories260K, file)), new TorchBackend());
        Assert.Equal(200, expected.Length);
        Assert.Equal(expected, await run.TokensAsync(WorkerRun<TorchTensor>.Greedy(prompt, 200)));
    }

    [TorchTheory(SharedModels.Stories260K)]
    [MemberData(nameof(Runs))]
    public async Task IdsOfTheReferenceModelInEveryType(DType weights, DType kv, TorchWeights keep)
    {
        var (prompt, expected) = Read(SharedModels.PathOf(SharedModels.Stories260K, "golden.json"));
        using var folder = new TemporaryFolder();
        Reencoded.Write(SharedModels.PathOf(SharedModels.Stories260K), folder.Path, weights);
        using var run = new WorkerRun<TorchTensor>(
            new WorkerSetup(folder.Path) { KvType = kv }, new TorchBackend(new() { Weights = keep }));
        Assert.Equal(expected[..WideGap], await run.TokensAsync(WorkerRun<TorchTensor>.Greedy(prompt, WideGap)));
    }

    [TorchFact]
    public async Task ManySequencesAtOnceGiveTheIdsOfOne()
    {
        var (prompt, expected) = Read(Path.Combine(Repository.Root, "tests", "golden", "crescent-xs.json"));
        using var run = new WorkerRun<TorchTensor>(
            new WorkerSetup(Repository.CrescentXs) { KvType = DType.BF16, Blocks = 256 }, new TorchBackend());
        var all = Enumerable.Range(0, 8).Select(_ => run.TokensAsync(WorkerRun<TorchTensor>.Greedy(prompt, 24)));
        Assert.All(await Task.WhenAll(all), tokens => Assert.Equal(expected[..24], tokens));
    }

    private static (int[] Prompt, int[] Expected) Read(string path)
    {
        using var golden = JsonDocument.Parse(File.ReadAllText(path));
        return (golden.RootElement.GetProperty("prompt_ids").Deserialize<int[]>()!, golden.RootElement.GetProperty("greedy_ids").Deserialize<int[]>()!);
    }
}
