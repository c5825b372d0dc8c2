using Crescent.KvCache.Codecs;

namespace Crescent.KvCache.Tiers;

/// <summary>Which block of a chain: all that its record is checked against.</summary>
/// <param name="Parent">The hash of the block before, or the root record's.</param>
/// <param name="Tokens">Its token ids.</param>
public readonly record struct BlockAddress(BlockHash Hash, BlockHash Parent, ReadOnlyMemory<int> Tokens);

/// <summary>
/// The tiers below the device, hot to cold, in one encoding. What is read is verified before it is used: a bad record is
/// removed, counted, and looked for in the colder tiers; where none has a good one it is a miss. Safe for concurrent use.
/// </summary>
public sealed class TierStack : IAsyncDisposable
{
    /// <summary>No tier.</summary>
    public const int Nowhere = -1;

    private static readonly int Faults = Enum.GetValues<RecordFault>().Length;

    private readonly IReadOnlyList<IKvTier> _tiers;
    private readonly IKvCodec _codec;
    private readonly KvLayout _layout;

    /// <summary>[tiers, faults].</summary>
    private readonly long[] _bad;

    /// <param name="tiers">Hot to cold; they are the stack's from now on.</param>
    /// <param name="codec">Lossless: what is read stands for what was computed.</param>
    public TierStack(IReadOnlyList<IKvTier> tiers, IKvCodec codec, KvLayout layout)
    {
        if (!codec.Lossless)
        {
            throw new ArgumentException($"the codec '{codec.Name}' is lossy: its KV is of another class than what was computed", nameof(codec));
        }

        _tiers = tiers;
        _codec = codec;
        _layout = layout;
        _bad = new long[tiers.Count * Faults];
    }

    /// <summary>Records that were read and were not what they should be.</summary>
    public long BadRecords(RecordFault fault) => Enumerable.Range(0, _tiers.Count).Sum(tier => Interlocked.Read(ref _bad[(tier * Faults) + (int)fault]));

    /// <summary>Of each tier; what was wrong with its records is among its failures.</summary>
    public IReadOnlyList<KeyValuePair<string, TierStatus>> GetStatus() => [.. _tiers.Select((tier, index) =>
    {
        var status = tier.GetStatus();
        var failures = new Dictionary<string, long>(status.Failures);
        foreach (var fault in Enum.GetValues<RecordFault>())
        {
            if (Interlocked.Read(ref _bad[(index * Faults) + (int)fault]) is var count and > 0)
            {
                string reason = $"record_{fault.ToString().ToLowerInvariant()}";
                failures[reason] = failures.GetValueOrDefault(reason) + count;
            }
        }

        return KeyValuePair.Create(tier.Name, status with { Failures = failures });
    })];

    /// <summary>The hottest tier that has each block, or <see cref="Nowhere"/>; one round trip for each tier that needs any.</summary>
    public async ValueTask LocateAsync(ReadOnlyMemory<BlockHash> blocks, Memory<int> tiers, CancellationToken cancellationToken)
    {
        var keys = new RecordKey[blocks.Length];
        for (int i = 0; i < keys.Length; i++)
        {
            keys[i] = Key(blocks.Span[i]);
        }

        tiers.Span[..keys.Length].Fill(Nowhere);
        var answers = new Residence[keys.Length];
        for (int tier = 0; tier < _tiers.Count; tier++)
        {
            await _tiers[tier].LookupAsync(keys, answers, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < keys.Length; i++)
            {
                if (answers[i] == Residence.Present && tiers.Span[i] == Nowhere)
                {
                    tiers.Span[i] = tier;
                }
            }
        }
    }

    /// <summary>Reads a block from the hottest of these tiers that has a good record of it.</summary>
    /// <param name="tier">The hottest to ask.</param>
    /// <param name="interchange">Exactly a block; of any content after a miss.</param>
    /// <returns>The tier it came from, or <see cref="Nowhere"/>.</returns>
    public async ValueTask<int> ReadAsync(BlockAddress block, int tier, Memory<byte> interchange, CancellationToken cancellationToken)
    {
        var key = Key(block.Hash);
        for (; tier < _tiers.Count; tier++)
        {
            using var bytes = await _tiers[tier].ReadAsync(key, cancellationToken).ConfigureAwait(false);
            if (bytes is null)
            {
                continue;
            }

            var fault = Decode(key, block, bytes.Memory, interchange.Span);
            if (fault == RecordFault.None)
            {
                return tier;
            }

            Interlocked.Increment(ref _bad[(tier * Faults) + (int)fault]);
            await _tiers[tier].RemoveAsync(key, cancellationToken).ConfigureAwait(false);
        }

        return Nowhere;
    }

    /// <summary>Stores a block in every tier that does not have it; encodes it at most once. A tier may refuse.</summary>
    /// <param name="interchange">Exactly a block.</param>
    public async ValueTask WriteAsync(BlockAddress block, ReadOnlyMemory<byte> interchange, CancellationToken cancellationToken)
    {
        RecordKey[] key = [Key(block.Hash)];
        var answer = new Residence[1];
        RentedBytes? room = null;
        try
        {
            int length = 0;
            foreach (var tier in _tiers)
            {
                await tier.LookupAsync(key, answer, cancellationToken).ConfigureAwait(false);
                if (answer[0] == Residence.Absent)
                {
                    if (room is null)
                    {
                        room = RentedBytes.Rent(MaxRecordBytes(block.Tokens.Length));
                        length = Encode(key[0], block, interchange.Span, room.Memory.Span);
                    }

                    await tier.WriteAsync(key[0], room.Memory[..length], cancellationToken).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            room?.Dispose();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var tier in _tiers)
        {
            await tier.DisposeAsync().ConfigureAwait(false);
        }
    }

    private RecordKey Key(BlockHash block) => new(block, _codec.EncodingId);

    private int MaxRecordBytes(int tokens) =>
        BlockRecord.HeaderBytes(_codec.EncodingId.Length, tokens, _layout.Layers) + (_layout.Layers * _codec.MaxLayerBytes(_layout));

    /// <returns>Bytes of the record.</returns>
    private int Encode(RecordKey key, BlockAddress block, ReadOnlySpan<byte> interchange, Span<byte> room)
    {
        int layerBytes = checked((int)_layout.LayerBytes);
        var lengths = new int[_layout.Layers];
        int at = BlockRecord.HeaderBytes(_codec.EncodingId.Length, block.Tokens.Length, _layout.Layers);
        for (int layer = 0; layer < lengths.Length; layer++)
        {
            lengths[layer] = _codec.Encode(_layout, layer, interchange.Slice(layer * layerBytes, layerBytes), room[at..]);
            at += lengths[layer];
        }

        BlockRecord.WriteHeader(room[..at], key, block.Parent, block.Tokens.Span, lengths);
        return at;
    }

    private RecordFault Decode(RecordKey key, BlockAddress block, ReadOnlyMemory<byte> bytes, Span<byte> interchange)
    {
        var fault = BlockRecord.TryOpen(bytes, key, block.Parent, block.Tokens.Span, _layout.Layers, out var record);
        int layerBytes = checked((int)_layout.LayerBytes);
        for (int layer = 0; layer < _layout.Layers && fault == RecordFault.None; layer++)
        {
            fault = record.TryGetLayer(layer, out var encoded);
            if (fault == RecordFault.None)
            {
                try
                {
                    _codec.Decode(_layout, layer, encoded.Span, interchange.Slice(layer * layerBytes, layerBytes));
                }
                catch (InvalidDataException)
                {
                    fault = RecordFault.Malformed;
                }
            }
        }

        return fault;
    }
}
