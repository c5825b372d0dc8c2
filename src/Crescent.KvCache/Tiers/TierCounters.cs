using System.Collections.Concurrent;

namespace Crescent.KvCache.Tiers;

/// <summary>What a tier counts. Safe for concurrent use.</summary>
internal sealed class TierCounters
{
    private readonly ConcurrentDictionary<string, long> _failures = new();
    private long _hits;
    private long _misses;
    private long _writes;
    private long _evictions;

    public void Hit() => Interlocked.Increment(ref _hits);

    public void Miss() => Interlocked.Increment(ref _misses);

    public void Write() => Interlocked.Increment(ref _writes);

    public void Evict(long records = 1) => Interlocked.Add(ref _evictions, records);

    /// <param name="reason">One of a few words: it becomes a label.</param>
    /// <param name="times">0 does nothing.</param>
    public void Fail(string reason, long times = 1)
    {
        if (times > 0)
        {
            _failures.AddOrUpdate(reason, static (_, added) => added, static (_, count, added) => count + added, times);
        }
    }

    public TierStatus Status(long records, long bytes, long capacityBytes) => new(
        records,
        bytes,
        capacityBytes,
        Interlocked.Read(ref _hits),
        Interlocked.Read(ref _misses),
        Interlocked.Read(ref _writes),
        Interlocked.Read(ref _evictions),
        new Dictionary<string, long>(_failures));
}
