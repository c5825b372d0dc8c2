using System.Diagnostics;
using Crescent.Backends.Cpu;
using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;
using Crescent.Models;
using Crescent.Models.Weights;
using Crescent.Testing;
using Crescent.Worker;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crescent.Bench.Engine;

/// <summary>
/// The worker as the server has it, over a prefix cache that already answers for prompts of any length: their KV is
/// planted, not computed.
/// </summary>
internal sealed class EngineHost : IDisposable
{
    private const int BlockSize = 64;

    /// <summary>Blocks for what is generated behind the planted positions, and for what stays cached of it.</summary>
    private const int SpareBlocks = 16;
    private const int Patterns = 8;

    private readonly ModelFile _file;
    private readonly IBackend<CpuTensor> _backend;
    private readonly Decoder<CpuTensor> _decoder;
    private readonly PrefixCache _cache;
    private readonly BlockHash _root;
    private readonly InferenceWorker<CpuTensor> _worker;
    private readonly KvLayout _layout;

    /// <param name="model">A folder or a GGUF file.</param>
    /// <param name="sequences">How many run at once.</param>
    /// <param name="tokens">Positions of each, generated ones included.</param>
    public EngineHost(string model, int threads, int sequences, int tokens, DType kv = DType.BF16)
    {
        _file = ModelFile.Open(model);
        var config = _file.Config;
        var options = new WorkerOptions();
        _layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, BlockSize, kv);
        int blocks = sequences * ((tokens / BlockSize) + SpareBlocks);
        _backend = CpuBackend.Create(threads);
        _decoder = new Decoder<CpuTensor>(_backend, _file, _layout, blocks, options.Scheduler.TokenBudget, options.Scheduler.MaxSequences);
        _cache = new PrefixCache(blocks, BlockSize);
        var roots = new PrefixRoots(new byte[32], BlockSize, _backend.Info.NumericsId, new byte[32]);
        _root = roots.For("", cacheSalt: null);
        var description = new WorkerDescription(_file.Name, _backend.Info.NumericsId, _file.WeightBytes, _layout.BlockBytes * blocks);
        _worker = new InferenceWorker<CpuTensor>(_decoder, _cache, roots, description, options, TimeProvider.System, NullLogger.Instance);
    }

    /// <summary>Makes the cache answer for all full blocks of a prompt with pseudo-random KV. Before anything is generated.</summary>
    public void Plant(int[] prompt)
    {
        var table = new BlockTable();
        int blocks = (prompt.Length - 1) / BlockSize;
        if (!_cache.TryAllocate(blocks, table))
        {
            throw new BenchException($"the KV pool has no room for {blocks} planted blocks");
        }

        var patterns = Enumerable.Range(0, Patterns).Select(RandomBlock).ToArray();
        var parent = _root;
        for (int i = 0; i < blocks; i++)
        {
            _backend.Wait(_backend.CopyIn(_decoder.Pool, table[i], 0, _layout.Layers, patterns[i % Patterns], default));
            var tokens = prompt.AsSpan(i * BlockSize, BlockSize);
            parent = BlockChain.Next(parent, tokens);
            _cache.Publish(table, i, parent, tokens);
        }

        _cache.Release(table);
    }

    /// <summary>Generates greedily and notes when each token came.</summary>
    /// <param name="logprobs">So many of the most likely tokens beside each; null: none.</param>
    public async Task<GeneratedTokens> GenerateAsync(IReadOnlyList<int> prompt, int tokens, int? logprobs = null)
    {
        var result = new GeneratedTokens { Started = Stopwatch.GetTimestamp() };
        var request = new GenerateRequest
        {
            Id = "bench",
            Model = _file.Name,
            PromptTokens = prompt,
            MaxTokens = tokens,
            Sampling = new SamplingParameters { Temperature = 0, TopLogprobs = logprobs },
        };
        await foreach (var frame in _worker.GenerateAsync(request, CancellationToken.None))
        {
            if (frame.Error is not null)
            {
                throw new BenchException(frame.Error);
            }

            if (frame.Token is { } token)
            {
                result.Times.Add(Stopwatch.GetTimestamp());
                result.Tokens.Add(token);
                result.TopLogprobs.Add(frame.TopLogprobs);
                result.CachedTokens = frame.CachedTokens;
            }
        }

        return result;
    }

    public void Dispose()
    {
        _worker.Dispose();
        _decoder.Dispose();
        _backend.Dispose();
        _file.Dispose();
    }

    /// <summary>A block in the interchange layout: keys and values of about unit size.</summary>
    private byte[] RandomBlock(int seed)
    {
        var random = new Random(seed);
        var values = new float[2 * _layout.Layers * _layout.KvHeads * _layout.BlockSize * _layout.HeadDim];
        foreach (ref var value in values.AsSpan())
        {
            value = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2);
        }

        return WeightEncoding.Encode(values, _layout.Type);
    }
}

/// <summary>What a generation gave, with timestamps.</summary>
internal sealed class GeneratedTokens
{
    public required long Started { get; init; }

    /// <summary>When each token came.</summary>
    public List<long> Times { get; } = [];

    public List<int> Tokens { get; } = [];

    public List<IReadOnlyList<TokenLogprob>> TopLogprobs { get; } = [];

    public int CachedTokens { get; set; }

    public double SecondsToFirst => Stopwatch.GetElapsedTime(Started, Times[0]).TotalSeconds;

    /// <summary>Tokens a second after the first.</summary>
    public double Rate => (Times.Count - 1) / Stopwatch.GetElapsedTime(Times[0], Times[^1]).TotalSeconds;
}
