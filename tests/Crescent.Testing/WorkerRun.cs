using Crescent.KvCache.Prefix;
using Crescent.KvCache.Tiers;
using Crescent.Models;
using Crescent.Models.Weights;
using Crescent.Worker;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crescent.Testing;

/// <summary>How a worker under test is set up; what is not said is what a server would use.</summary>
public record WorkerSetup(string ModelPath)
{
    public DType KvType { get; init; } = DType.F32;

    public int BlockSize { get; init; } = 16;

    public int Blocks { get; init; } = 64;

    public int TokenBudget { get; init; } = 64;

    public int MaxSequences { get; init; } = 16;

    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Below the device; stays the test's. null: none.</summary>
    public Func<KvLayout, TierStack>? Tiers { get; init; }

    public TransferOptions Transfers { get; init; } = new();
}

/// <summary>A worker over a real model and a backend, which is disposed with it.</summary>
public class WorkerRun<T> : IDisposable
    where T : class
{
    private readonly ModelFile _file;
    private readonly IBackend<T> _backend;
    private readonly Decoder<T> _decoder;

    public WorkerRun(WorkerSetup setup, IBackend<T> backend)
    {
        _file = ModelFile.Open(setup.ModelPath);
        _backend = backend;
        var config = _file.Config;
        var layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, setup.BlockSize, setup.KvType);
        _decoder = new Decoder<T>(_backend, _file, layout, setup.Blocks, setup.TokenBudget, setup.MaxSequences);
        Cache = new PrefixCache(setup.Blocks, setup.BlockSize);
        var roots = new PrefixRoots(new byte[32], setup.BlockSize, _backend.Info.NumericsId, new byte[32]);
        var description = new WorkerDescription("test", _backend.Info.NumericsId, _file.WeightBytes, layout.BlockBytes * setup.Blocks);
        var options = new WorkerOptions { Scheduler = new() { TokenBudget = setup.TokenBudget, MaxSequences = setup.MaxSequences }, Transfers = setup.Transfers };
        Worker = new InferenceWorker<T>(_decoder, Cache, roots, description, options, setup.Time, NullLogger.Instance, setup.Tiers?.Invoke(layout));
        Worker.UseRoots(roots);
    }

    public InferenceWorker<T> Worker { get; }

    public PrefixCache Cache { get; }

    public DecoderConfig Config => _file.Config;

    public static GenerateRequest Greedy(IReadOnlyList<int> prompt, int maxTokens) => new()
    {
        Id = "test",
        Model = "test",
        PromptTokens = prompt,
        MaxTokens = maxTokens,
        Sampling = new() { Temperature = 0 },
    };

    public async Task<List<TokenFrame>> RunAsync(GenerateRequest request, CancellationToken cancellationToken = default)
    {
        var frames = new List<TokenFrame>();
        await foreach (var frame in Worker.GenerateAsync(request, cancellationToken))
        {
            frames.Add(frame);
        }

        return frames;
    }

    public async Task<int[]> TokensAsync(GenerateRequest request) =>
        [.. (await RunAsync(request)).Where(frame => frame.Token is not null).Select(frame => frame.Token!.Value)];

    public void Dispose()
    {
        Worker.Dispose();
        Cache.CheckIntegrity();
        _decoder.Dispose();
        _backend.Dispose();
        _file.Dispose();
        GC.SuppressFinalize(this);
    }
}
