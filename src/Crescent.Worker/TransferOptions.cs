namespace Crescent.Worker;

/// <summary>Bounds of what is on its way between the device and the tiers below.</summary>
public sealed record TransferOptions
{
    /// <summary>Blocks copied out and not stored yet; further ones are left out. Default: 64.</summary>
    public int PendingOffloads { get; init; } = 64;

    /// <summary>Sequences whose blocks are being promoted at once; others compute. Default: 8.</summary>
    public int Promotions { get; init; } = 8;

    /// <summary>Blocks of one promotion that are read and decoded at once. Default: 4.</summary>
    public int ReadsAtOnce { get; init; } = 4;

    /// <summary>How long the next block of a promotion may keep others waiting; then it is computed. Default: 5 seconds.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(5);
}
