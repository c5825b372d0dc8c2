using System.Text.RegularExpressions;

namespace Crescent.KvCache.Tiers.Redis;

/// <summary>Where a Redis tier's records are, and what it may use. Tiers that share records agree on prefix and capacity.</summary>
public sealed partial record RedisTierOptions
{
    /// <summary>
    /// A connection string of StackExchange.Redis: endpoints, password, user, ssl, and in the full package set all its others,
    /// such as serviceName for Sentinel. On a cluster the whole tier is in one slot, so on one node.
    /// </summary>
    public required string Connection { get; init; }

    /// <summary>Bytes that the records of this prefix may take, in all processes together. Redis' own upkeep comes on top: about 1 KB per record.</summary>
    public required long CapacityBytes { get; init; }

    /// <summary>First part of every key: letters, digits and ._:- . Default: crescent.</summary>
    public string Prefix { get; init; } = "crescent";

    /// <summary>A PEM file with a certificate authority that is trusted besides the machine's. Default: none.</summary>
    public string? TrustedIssuer { get; init; }

    /// <summary>How long a record lives that nobody reads. Default: 1 day.</summary>
    public TimeSpan TimeToLive { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Longer records are refused. Default: 16 MiB, above a 64-token block of Llama 3 8B in BF16 (8 MiB and its header).</summary>
    public int MaxRecordBytes { get; init; } = 16 << 20;

    /// <summary>Calls that may wait for Redis at once; those above are refused. Default: 256.</summary>
    public int MaxRequestsInFlight { get; init; } = 256;

    /// <summary>Bytes of records that may be under way at once; calls above are refused. Default: 64 MiB.</summary>
    public long MaxBytesInFlight { get; init; } = 64 << 20;

    /// <summary>How long a call waits for Redis before it is a miss. Default: 1 second.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long Redis is left alone after three failed calls in a row; doubles up to 32 times while it does not recover. Default: 2 seconds.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(2);

    /// <exception cref="ArgumentException">A value is out of its range.</exception>
    internal void Validate()
    {
        if (!PrefixForm().IsMatch(Prefix))
        {
            throw new ArgumentException($"'{Prefix}' cannot begin the keys: letters, digits and ._:- can", nameof(Prefix));
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(CapacityBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxRecordBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxRequestsInFlight);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxBytesInFlight, MaxRecordBytes);
        ArgumentOutOfRangeException.ThrowIfLessThan(TimeToLive, TimeSpan.FromSeconds(1));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Timeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Pause, TimeSpan.Zero);
    }

    [GeneratedRegex(@"^[A-Za-z0-9._:-]{1,64}\z")]
    private static partial Regex PrefixForm();
}
