namespace Crescent.KvCache.Prefix;

/// <summary>What is known of a block that could be evicted. All blocks of a pool have the same bytes.</summary>
/// <param name="Age">Blocks that were let go since this one was, at least 1.</param>
/// <param name="ReuseRate">Share of blocks with its history that were used again, from 0 to 1.</param>
/// <param name="Hits">How often it was used again itself, rounded down to 0 or a power of two, at most 64.</param>
/// <param name="Seconds">To compute it again, within a factor of √2 of other blocks' (and no more than 11 times the first block's).</param>
public readonly record struct BlockUse(long Age, double ReuseRate, int Hits, double Seconds);

/// <summary>Decides which leaf is evicted: the one that is worth least, and of those worth the same the least recently used.</summary>
public interface IEvictionPolicy
{
    /// <summary>What it is worth to keep a block; of two that differ in age alone the older is never worth more.</summary>
    double Worth(in BlockUse use);
}

/// <summary>
/// Seconds that keeping a block is expected to save, per time that it takes up memory (bytes are the same for all). The
/// chance that it is used now is the chance that it is used at all, thinned out with its age: times between two uses of a
/// prefix spread over orders of magnitude, so that the chance falls somewhat faster than 1 ÷ age.
/// </summary>
public sealed class CostEviction : IEvictionPolicy
{
    public double Worth(in BlockUse use) => use.Seconds * use.ReuseRate / (use.Age * Math.Sqrt(use.Age));
}

/// <summary>Least recently used.</summary>
public sealed class LruEviction : IEvictionPolicy
{
    public double Worth(in BlockUse use) => -use.Age;
}

/// <summary>Least frequently used; numbers of uses count in powers of two.</summary>
public sealed class LfuEviction : IEvictionPolicy
{
    public double Worth(in BlockUse use) => use.Hits;
}
