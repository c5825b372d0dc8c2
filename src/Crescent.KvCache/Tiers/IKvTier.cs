using System.Buffers;

namespace Crescent.KvCache.Tiers;

/// <summary>What a tier's records are found by: identity of the block, and how the record spells its KV.</summary>
/// <param name="Encoding">A codec with its version and parameters, see <see cref="BlockRecord.MaxEncodingBytes"/>.</param>
public readonly record struct RecordKey(BlockHash Block, string Encoding);

/// <summary>What a tier knows of a record.</summary>
public enum Residence : byte
{
    Absent,

    /// <summary>It is being written; a read would miss now, and may hit soon.</summary>
    InFlight,

    Present,
}

/// <summary>
/// A place for block records, below the device. What it gives back is bytes that nobody vouches for: whoever reads opens
/// them with <see cref="BlockRecord.TryOpen"/>. A tier never throws for what its medium does (full, gone, slow, denied,
/// corrupt): it misses or refuses, and counts why. Safe for concurrent use; no call blocks its caller's thread for longer
/// than a look into memory.
/// </summary>
public interface IKvTier : IAsyncDisposable
{
    /// <summary>Of metrics and options: host, disk, redis.</summary>
    string Name { get; }

    /// <summary>Answers for each key, in one round trip where the medium needs any. A medium that cannot be asked holds nothing.</summary>
    ValueTask LookupAsync(ReadOnlyMemory<RecordKey> keys, Memory<Residence> answers, CancellationToken cancellationToken);

    /// <returns>The record's bytes, as they were written or not; null: a miss.</returns>
    /// <exception cref="OperationCanceledException">Cancelled; nothing changed.</exception>
    ValueTask<RentedBytes?> ReadAsync(RecordKey key, CancellationToken cancellationToken);

    /// <summary>
    /// Stores a record; the commit point is the end of this call, and before it no lookup says <see cref="Residence.Present"/>.
    /// A record that is there already is left as it is.
    /// </summary>
    /// <returns>Whether the tier has it now.</returns>
    ValueTask<bool> WriteAsync(RecordKey key, ReadOnlyMemory<byte> record, CancellationToken cancellationToken);

    /// <summary>Forgets a record, as one that turned out to be bad; does nothing when it is not there.</summary>
    ValueTask RemoveAsync(RecordKey key, CancellationToken cancellationToken);

    TierStatus GetStatus();
}

/// <summary>Bytes out of a pool; disposing gives them back.</summary>
public sealed class RentedBytes : IDisposable
{
    private IMemoryOwner<byte>? _owner;

    /// <param name="owner">Owned by this from now on.</param>
    public RentedBytes(IMemoryOwner<byte> owner, int length)
    {
        _owner = owner;
        Length = length;
    }

    public int Length { get; }

    public Memory<byte> Memory => (_owner ?? throw new ObjectDisposedException(nameof(RentedBytes))).Memory[..Length];

    /// <summary>Out of the shared pool.</summary>
    public static RentedBytes Rent(int length) => new(MemoryPool<byte>.Shared.Rent(length), length);

    public void Dispose() => Interlocked.Exchange(ref _owner, null)?.Dispose();
}
