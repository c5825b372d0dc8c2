namespace Crescent.KvCache.Prefix;

/// <summary>Never reused.</summary>
public readonly record struct PinId(long Value);

/// <summary>How long a pin holds, and against what.</summary>
/// <param name="Lease">More than zero. The pin ends by itself after it.</param>
/// <param name="Priority">As of requests, lower is more important: a pin gives way to a more important one when there is no room for both.</param>
/// <param name="PendingConsumers">When not 0, the pin also ends once so many sequences have taken up its whole chain.</param>
public readonly record struct PinTerms(TimeSpan Lease, int Priority = 0, int PendingConsumers = 0);

public enum PinOutcome
{
    Pinned,

    /// <summary>Not all blocks of the chain are there.</summary>
    NotHeld,

    /// <summary>With the pins that are as important, more blocks would be pinned than may be, or there would be too many pins.</summary>
    OverLimit,
}
