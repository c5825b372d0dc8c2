namespace Crescent.KvCache.Tiers.Disk;

public sealed record DiskTierOptions
{
    internal const long LeastCapacityBytes = 1 << 20;
    internal const long LeastSegmentBytes = 16 << 10;
    private const int SegmentsAtLeast = 16;

    /// <summary>Made when it is missing. One process owns it at a time.</summary>
    public required string Directory { get; init; }

    /// <summary>What all segments may take, preallocated space and footers included; at least 1 MiB.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>
    /// Size of a segment file, at most 1 GiB; a sixteenth of the capacity where that is less. A record must fit in one.
    /// Default: 256 MiB.
    /// </summary>
    public long SegmentBytes { get; init; } = 256 << 20;

    /// <summary>Threads that read, each with a buffer of the largest record it met. Default: 4.</summary>
    public int ReadThreads { get; init; } = 4;

    /// <summary>Reads that wait for a thread; one more is a miss. Default: 1,024.</summary>
    public int QueuedReads { get; init; } = 1024;

    /// <summary>Records that wait to be written; one more is refused. Default: 32.</summary>
    public int QueuedWrites { get; init; } = 32;

    /// <summary>The size of a segment as it is used: a whole number of <see cref="DirectFile.Alignment"/>.</summary>
    internal long SegmentSize => Math.Min(SegmentBytes, CapacityBytes / SegmentsAtLeast) / DirectFile.Alignment * DirectFile.Alignment;
}
