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

    /// <summary>Below the device, by name, hot to cold.</summary>
    public IReadOnlyList<KeyValuePair<string, TierStatus>> Tiers { get; init; } = [];

    /// <summary>Tokens whose KV was copied out for the tiers, and tokens whose KV came from them.</summary>
    public long OffloadedTokens { get; init; }

    public long PromotedTokens { get; init; }
}

/// <summary>Counters only grow; the others are of now.</summary>
/// <param name="Records">That are present.</param>
/// <param name="Bytes">What the records take of the medium, with everything that goes with them; at most the capacity.</param>
/// <param name="Hits">Reads that gave a record.</param>
/// <param name="Misses">Reads that gave none, whatever the reason; lookups do not count.</param>
/// <param name="Writes">Records that were committed.</param>
/// <param name="Evictions">Records that made room for others.</param>
/// <param name="Failures">By reason, such as full, io, timeout, denied, malformed.</param>
public sealed record TierStatus(
    long Records, long Bytes, long CapacityBytes, long Hits, long Misses, long Writes, long Evictions, IReadOnlyDictionary<string, long> Failures);

public sealed record ClusterStatus
{
    public required IReadOnlyList<WorkerStatus> Workers { get; init; }
}
