namespace Crescent.KvCache.Prefix;

public sealed record PrefixCacheOptions
{
    /// <summary>Which leaf is evicted first. Default: <see cref="CostEviction"/>.</summary>
    public IEvictionPolicy Eviction { get; init; } = new CostEviction();

    /// <summary>
    /// What computing a block again costs, by its depth. Default: attention costs as much as the linear layers at depth
    /// 4,000, as for a small model on a CPU.
    /// </summary>
    public PrefillCost Prefill { get; init; } = new(4e-4, 1e-7);

    /// <summary>
    /// Share of the pool that pins may hold, from 0 to below 1. It is set apart from what the longest sequence can use,
    /// so that a pin never keeps an admitted sequence from running. Default: 0, pins are refused.
    /// </summary>
    public double PinnableShare { get; init; }

    /// <summary>Pins at once. Default: 1,024.</summary>
    public int MaxPins { get; init; } = 1024;
}
