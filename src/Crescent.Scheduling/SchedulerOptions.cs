namespace Crescent.Scheduling;

/// <summary>How much one engine step does.</summary>
public sealed record SchedulerOptions
{
    /// <summary>
    /// Rows per step over all sequences: bounds how long a step takes, and so the gap between two tokens of a running
    /// stream while others prefill. At least <see cref="MaxSequences"/>. Default: 256.
    /// </summary>
    public int TokenBudget { get; init; } = 256;

    /// <summary>Sequences that run at once; the others wait. Default: 64.</summary>
    public int MaxSequences { get; init; } = 64;
}
