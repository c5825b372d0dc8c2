namespace Crescent;

/// <summary>What one worker is doing, read without stopping it. Counters only rise while the process lives.</summary>
public sealed record WorkerStatus
{
    public required string Model { get; init; }

    /// <summary>Backend, kernel path and revision, weight and KV dtype: KV is never shared between two of these.</summary>
    public required string NumericsId { get; init; }

    public required bool Draining { get; init; }

    public required int RunningRequests { get; init; }

    public required int WaitingRequests { get; init; }

    /// <summary>Prompt tokens of waiting requests.</summary>
    public required long WaitingTokens { get; init; }

    public required int BlockSize { get; init; }

    public required int TotalBlocks { get; init; }

    public required int FreeBlocks { get; init; }

    /// <summary>Blocks that nobody runs on but whose KV can be used again.</summary>
    public required int CachedBlocks { get; init; }

    public required int ActiveBlocks { get; init; }

    public required long WeightBytes { get; init; }

    public required long KvBytes { get; init; }

    public required long PrefixQueriedTokens { get; init; }

    public required long PrefixHitTokens { get; init; }

    public required long PrefilledTokens { get; init; }

    public required long GeneratedTokens { get; init; }

    public required long Preemptions { get; init; }

    public required long Steps { get; init; }
}

public sealed record ClusterStatus
{
    public required IReadOnlyList<WorkerStatus> Workers { get; init; }
}
