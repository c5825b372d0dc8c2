using System.Collections.Concurrent;

namespace Crescent.KvCache.Tiers.Redis;

/// <summary>Counters by reason.</summary>
internal sealed class FailureCounts
{
    private readonly ConcurrentDictionary<string, long> _counts = new();

    public void Count(string reason, long times = 1)
    {
        if (times > 0)
        {
            _counts.AddOrUpdate(reason, times, (_, count) => count + times);
        }
    }

    public IReadOnlyDictionary<string, long> Snapshot() => new Dictionary<string, long>(_counts);
}
