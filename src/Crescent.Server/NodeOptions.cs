using Crescent.Gateway;
using Crescent.Worker;

namespace Crescent.Server;

/// <summary>Everything that can be said about one embedded node.</summary>
public sealed record NodeOptions
{
    /// <summary>A Hugging Face folder or a GGUF file.</summary>
    public required string ModelPath { get; init; }

    /// <summary>The name clients ask for. Default: the model's own, or its folder's.</summary>
    public string? ModelName { get; init; }

    /// <summary>HTTP on 127.0.0.1; 0 takes a free port. Default: 8080.</summary>
    public int Port { get; init; } = 8080;

    /// <summary>gRPC on 127.0.0.1; 0 takes a free port. Default: 8081.</summary>
    public int GrpcPort { get; init; } = 8081;

    /// <summary>Threads that compute. Default: one per processor.</summary>
    public int? Threads { get; init; }

    /// <summary>
    /// Bytes of KV on the device. Default: room for four times the model's context, but at least 32,768 tokens and at
    /// most a quarter of the machine's memory.
    /// </summary>
    public long? DeviceCacheBytes { get; init; }

    /// <summary>BF16, or F32 for twice the memory. Default: BF16.</summary>
    public DType KvType { get; init; } = DType.BF16;

    /// <summary>Positions per block: a power of two from 16 to 256. Default: 64.</summary>
    public int BlockSize { get; init; } = 64;

    /// <summary>On shutdown, how long running requests may go on before they end with <see cref="FinishReason.Drained"/>. Default: 30 seconds.</summary>
    public TimeSpan DrainLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Where fingerprints of large models are kept. Default: crescent under the user's local application data.</summary>
    public string CacheDirectory { get; init; } = Path.Combine(
        Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData, Environment.SpecialFolderOption.DoNotVerify), "crescent");

    /// <summary>Where KV goes that the device has no room for.</summary>
    public TierOptions Tiers { get; init; } = new();

    public WorkerOptions Worker { get; init; } = new();

    public GatewayOptions Gateway { get; init; } = new();
}
