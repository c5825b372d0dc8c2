namespace Crescent.KvCache.Prefix;

/// <summary>
/// What computing KV costs: every token passes the linear layers, and attends to all positions before it. Eviction uses
/// only ratios, so any unit will do.
/// </summary>
/// <param name="SecondsPerToken">The linear part.</param>
/// <param name="SecondsPerTokenAndPosition">What each position before a token adds to it.</param>
public readonly record struct PrefillCost(double SecondsPerToken, double SecondsPerTokenAndPosition)
{
    /// <summary>Every block costs the same, wherever it lies.</summary>
    public static PrefillCost Flat { get; } = new(1, 0);

    /// <summary>Seconds to compute so many tokens from a position on, when everything before it is held.</summary>
    public double Seconds(long position, int tokens) =>
        tokens * (SecondsPerToken + (SecondsPerTokenAndPosition * (position + (tokens / 2.0))));
}
