using System.Security.Cryptography;
using Crescent.Backends.Cpu;
using Crescent.KvCache.Prefix;
using Crescent.KvCache.Tiers;
using Crescent.Models;
using Crescent.Models.Tokenizers;
using Crescent.Models.Weights;
using Crescent.Worker;
using Microsoft.Extensions.Logging;

namespace Crescent.Server;

/// <summary>A model on this process's CPU with the worker that runs it.</summary>
public sealed class LoadedModel : IDisposable
{
    private const int MinDefaultTokens = 32_768;

    private readonly ModelFile _file;
    private readonly int? _threads;
    private readonly IBackend<CpuTensor> _backend;
    private readonly Decoder<CpuTensor> _decoder;
    private readonly TierStack? _tiers;
    private readonly CancellationTokenSource _closing = new();

    private LoadedModel(NodeOptions options, ModelFile file, ILogger logger)
    {
        _file = file;
        _threads = options.Threads;
        var config = file.Config;
        var layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, options.BlockSize, options.KvType);
        int blocks = BlockCount(options, config, layout);
        _backend = CpuBackend.Create(options.Threads);
        var scheduler = options.Worker.Scheduler;
        _decoder = new Decoder<CpuTensor>(_backend, file, layout, blocks, scheduler.TokenBudget, scheduler.MaxSequences);
        string numericsId = $"{_backend.Info.NumericsId}/{file.GetMatrix(TensorNames.AttentionQ(0)).Type}/kv-{options.KvType}";
        byte[] secret = options.Tiers.Any ? TierOptions.ReadOrMakeSecret(options.CacheDirectory) : RandomNumberGenerator.GetBytes(32);
        _tiers = options.Tiers.Open(layout);
        PrefixRoots Roots(ReadOnlyMemory<byte> fingerprint) => new(fingerprint, options.BlockSize, numericsId, secret);

        KvBytesPerToken = layout.BlockBytes / layout.BlockSize;
        Model = new ServedModel
        {
            Id = options.ModelName ?? file.Name,
            Created = DateTimeOffset.UtcNow,
            Tokenizer = file.TokenizerJsonPath is { } path ? TokenizerJson.Load(path) : GgufTokenizer.Load(file.Metadata, file.Path),
            ContextLength = Math.Min(config.ContextLength, blocks * options.BlockSize),
            ChatTemplate = file.ChatTemplate,
            EosTokens = file.EosTokens,
            DefaultSampling = file.DefaultSampling,
        };
        file.ForgetMetadata();
        var description = new WorkerDescription(Model.Id, numericsId, file.WeightBytes, layout.BlockBytes * blocks);
        Worker = new InferenceWorker<CpuTensor>(
            _decoder, new PrefixCache(blocks, options.BlockSize), Roots(RandomNumberGenerator.GetBytes(32)), description, options.Worker, TimeProvider.System, logger, _tiers);
        Fingerprint = ModelFingerprint.ComputeAsync(file, options.CacheDirectory, _closing.Token);
        Identified = UseFingerprintAsync(fingerprint => Worker.UseRoots(Roots(fingerprint)));
    }

    public ServedModel Model { get; }

    public InferenceWorker<CpuTensor> Worker { get; }

    public DecoderConfig Config => _file.Config;

    /// <summary>Bytes of K and V that one position has in all layers.</summary>
    public long KvBytesPerToken { get; }

    /// <summary>Known some time after the model is; cancelled when it is disposed before.</summary>
    public Task<ModelFingerprint> Fingerprint { get; }

    /// <summary>Ends when the model's fingerprint is known; what is computed before is not found by requests after it.</summary>
    public Task Identified { get; }

    /// <summary>Maps the model, checks it and starts its worker. Weights are read when they are first used.</summary>
    /// <exception cref="ModelFormatException">Names the file and what is wrong with it.</exception>
    public static LoadedModel Open(NodeOptions options, ILoggerFactory loggers)
    {
        var file = ModelFile.Open(options.ModelPath);
        try
        {
            return new LoadedModel(options, file, loggers.CreateLogger("Crescent.Worker"));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Lends the model's file to a computation of its own, beside the worker's, with a backend that ends with it.</summary>
    public void Lend(Action<ModelFile, IBackend<CpuTensor>> compute)
    {
        using var backend = CpuBackend.Create(_threads);
        compute(_file, backend);
    }

    /// <summary>Ends what still runs.</summary>
    public void Dispose()
    {
        _closing.Cancel();
        Worker.Dispose();
        _tiers?.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _decoder.Dispose();
        _backend.Dispose();
        _file.Dispose();
        _closing.Dispose();
    }

    private static int BlockCount(NodeOptions options, DecoderConfig config, KvLayout layout)
    {
        long tokens = Math.Max(4L * config.ContextLength, MinDefaultTokens);
        long defaultBytes = Math.Min(tokens / layout.BlockSize * layout.BlockBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        long blocks = (options.DeviceCacheBytes ?? defaultBytes) / layout.BlockBytes;
        if (blocks < 1)
        {
            throw new ArgumentException($"the device cache is smaller than one block of this model, {layout.BlockBytes:N0} bytes");
        }

        return (int)Math.Min(blocks, int.MaxValue / layout.BlockSize);
    }

    /// <summary>Until the fingerprint is known, blocks belong to roots nobody else has.</summary>
    private async Task UseFingerprintAsync(Action<ReadOnlyMemory<byte>> use)
    {
        try
        {
            use((await Fingerprint).Bytes);
        }
        catch (OperationCanceledException)
        {
        }
    }
}
