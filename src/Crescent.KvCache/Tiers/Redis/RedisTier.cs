using System.Collections.Concurrent;
using StackExchange.Redis;

namespace Crescent.KvCache.Tiers.Redis;

/// <summary>
/// Records in a Redis that several processes may share, see <see cref="RedisScripts"/>. A write sends its bytes under a
/// passing name and, in the same round trip, the script that gives them their own, accounts and evicts: a record is there as
/// a whole or not at all. Failures are counted as busy (over a bound of what may be
/// under way), paused (left alone after counters), timeout, io, denied, server (another error reply), full (Redis said OOM),
/// quota (no room within one batch of evictions), oversize and lost (Redis dropped a record by itself).
/// </summary>
public sealed class RedisTier : IKvTier
{
    /// <summary>Most records that one write evicts.</summary>
    internal const int EvictionBatch = 64;

    /// <summary>Keys of all kinds that one write looks at while the index is searching its records.</summary>
    private const int ScanStep = 256;

    /// <summary>How long bytes stay that no script came for. They are outside the quota.</summary>
    private static readonly TimeSpan StagedLife = TimeSpan.FromMinutes(1);

    /// <summary>Keys that one script looks up: Redis answers nobody else meanwhile.</summary>
    private const int LookupChunk = 1024;

    private readonly RedisTierOptions _options;
    private readonly RedisExchange _exchange;
    private readonly TierCounters _counters;
    private readonly ConcurrentDictionary<RecordKey, byte> _writing = new();
    private readonly string _recordPrefix;
    private readonly string _stagedPrefix;
    private readonly RedisKey[] _index;
    private readonly RedisValue[] _indexArguments;
    private long _staged;
    private long _largest;
    private long _bytes;
    private long _records;

    private RedisTier(RedisTierOptions options, RedisExchange exchange, TierCounters counters)
    {
        _options = options;
        _exchange = exchange;
        _counters = counters;

        // The braces put all keys into one slot of a cluster.
        string tag = $"{{{options.Prefix}}}";
        _recordPrefix = $"{tag}:r:";
        _stagedPrefix = $"{tag}:w:{Guid.NewGuid():n}:";
        _index = [$"{tag}:use", $"{tag}:sizes", $"{tag}:children"];
        _indexArguments = [(long)options.TimeToLive.TotalMilliseconds, _recordPrefix, BlockRecord.ParentOffset + 1];
    }

    public string Name => "redis";

    /// <summary>
    /// Ends when the first attempt to connect has, or after <see cref="RedisTierOptions.Timeout"/>: a tier whose Redis cannot
    /// be reached misses and refuses until it can.
    /// </summary>
    /// <param name="time">Of timeouts and pauses.</param>
    /// <exception cref="ArgumentException">An option, or the connection string.</exception>
    public static async Task<RedisTier> OpenAsync(RedisTierOptions options, TimeProvider? time = null)
    {
        options.Validate();
        var counters = new TierCounters();
        return new RedisTier(options, await RedisExchange.OpenAsync(options, counters, time ?? TimeProvider.System).ConfigureAwait(false), counters);
    }

    public async ValueTask LookupAsync(ReadOnlyMemory<RecordKey> keys, Memory<Residence> answers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var chunks = NameInChunks(keys.Span);
        var (_, found) = chunks.Length == 0 ? default : await _exchange.AskAsync(
            0, database => Task.WhenAll(chunks.Select(chunk => database.ScriptEvaluateAsync(RedisScripts.Lookup, chunk))), cancellationToken).ConfigureAwait(false);
        for (int i = 0; i < keys.Length; i++)
        {
            // A commit point is where the write ends, though Redis may have the record before.
            var residence = _writing.ContainsKey(keys.Span[i]) ? Residence.InFlight : Residence.Absent;
            answers.Span[i] = residence;
        }

        for (int chunk = 0; chunk < found?.Length; chunk++)
        {
            long[] there = (long[]?)found[chunk] ?? [];
            for (int i = 0; i < there.Length; i++)
            {
                ref var answer = ref answers.Span[(chunk * LookupChunk) + i];
                answer = there[i] == 1 && answer == Residence.Absent ? Residence.Present : answer;
            }
        }
    }

    public async ValueTask<RentedBytes?> ReadAsync(RecordKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();

        // Redis tells a record's length with its bytes; until then it counts as the longest one met.
        long largest = Volatile.Read(ref _largest);
        long expected = largest == 0 ? _options.MaxRecordBytes : largest;
        string name = NameOf(key);
        var (_, lease) = await _exchange.AskAsync(
            expected,
            database =>
            {
                var read = database.StringGetLeaseAsync(name);
                _ = NoteUseAsync(database, name);
                return read;
            },
            cancellationToken).ConfigureAwait(false);
        if (lease is not null && lease.Length > _options.MaxRecordBytes)
        {
            _counters.Fail("oversize");
            ((IDisposable)lease).Dispose();
            lease = null;
        }

        if (lease is null)
        {
            _counters.Miss();
            return null;
        }

        _counters.Hit();
        NoteLength(lease.Length);
        return new RentedBytes(lease, lease.Length);
    }

    /// <exception cref="OperationCanceledException">Cancelled; the record may be there or not, and is whole if it is.</exception>
    public async ValueTask<bool> WriteAsync(RecordKey key, ReadOnlyMemory<byte> record, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (record.Length > _options.MaxRecordBytes)
        {
            _counters.Fail("oversize");
            return false;
        }

        if (!_writing.TryAdd(key, 0))
        {
            return false;
        }

        try
        {
            var (answered, stored) = await _exchange.AskAsync(
                record.Length, database => StoreAsync(database, NameOf(key), record), cancellationToken).ConfigureAwait(false);
            if (!answered || !stored)
            {
                return false;
            }

            NoteLength(record.Length);
            _counters.Write();
            return true;
        }
        finally
        {
            _writing.TryRemove(key, out _);
        }
    }

    public async ValueTask RemoveAsync(RecordKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        string name = NameOf(key);
        var (_, result) = await _exchange.AskAsync(
            0, database => database.ScriptEvaluateAsync(RedisScripts.Remove, [.. _index, name], _indexArguments), cancellationToken).ConfigureAwait(false);
        if (result is not null)
        {
            Note(result);
        }
    }

    /// <summary>Records and bytes are those of all processes, as Redis last said.</summary>
    public TierStatus GetStatus() => _counters.Status(Interlocked.Read(ref _records), Interlocked.Read(ref _bytes), _options.CapacityBytes);

    public ValueTask DisposeAsync() => _exchange.DisposeAsync();

    internal string NameOf(RecordKey key) => $"{_recordPrefix}{key.Block}:{key.Encoding}";

    private RedisKey[][] NameInChunks(ReadOnlySpan<RecordKey> keys)
    {
        var chunks = new RedisKey[(keys.Length + LookupChunk - 1) / LookupChunk][];
        for (int chunk = 0; chunk < chunks.Length; chunk++)
        {
            int first = chunk * LookupChunk;
            chunks[chunk] = new RedisKey[Math.Min(LookupChunk, keys.Length - first)];
            for (int i = 0; i < chunks[chunk].Length; i++)
            {
                chunks[chunk][i] = NameOf(keys[first + i]);
            }
        }

        return chunks;
    }

    /// <summary>
    /// The client may read the bytes after the caller has given up waiting and uses them for something else, so it gets its
    /// own; after a failure even those are not used again.
    /// </summary>
    private async Task<bool> StoreAsync(IDatabase database, string name, ReadOnlyMemory<byte> record)
    {
        var copy = RentedBytes.Rent(record.Length);
        record.CopyTo(copy.Memory);
        string staged = $"{_stagedPrefix}{Interlocked.Increment(ref _staged)}";
        RedisValue[] arguments = [.. _indexArguments, _options.CapacityBytes, EvictionBatch, ScanStep];
        var staging = database.StringSetAsync(staged, (ReadOnlyMemory<byte>)copy.Memory, StagedLife);
        var committing = database.ScriptEvaluateAsync(RedisScripts.Commit, [.. _index, name, staged], arguments);
        try
        {
            await Task.WhenAll(staging, committing).ConfigureAwait(false);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("OOM", StringComparison.Ordinal))
        {
            copy.Dispose();
            _counters.Fail("full");
            Note(await database.ScriptEvaluateAsync(RedisScripts.GiveWay, [.. _index, name], [.. _indexArguments, (long)record.Length, EvictionBatch]).ConfigureAwait(false));
            return false;
        }

        copy.Dispose();
        long done = Note(await committing.ConfigureAwait(false));
        if (done != 1)
        {
            _counters.Fail(done == 0 ? "quota" : "lost");
        }

        return done == 1;
    }

    /// <summary>Travels right behind the read; whether it arrives is nobody's concern.</summary>
    private async Task NoteUseAsync(IDatabase database, string name)
    {
        try
        {
            Note(await database.ScriptEvaluateAsync(RedisScripts.Use, [.. _index, name], _indexArguments).ConfigureAwait(false));
        }
        catch (Exception exception) when (RedisExchange.ReasonOf(exception) is not null)
        {
        }
    }

    /// <returns>What the script says it has done.</returns>
    private long Note(RedisResult result)
    {
        long[] answer = (long[]?)result ?? [];
        Interlocked.Exchange(ref _bytes, answer[1]);
        Interlocked.Exchange(ref _records, answer[2]);
        _counters.Evict(answer[3]);
        _counters.Fail("lost", answer[4]);
        return answer[0];
    }

    private void NoteLength(long length)
    {
        long largest;
        while (length > (largest = Volatile.Read(ref _largest)) && Interlocked.CompareExchange(ref _largest, length, largest) != largest)
        {
        }
    }
}
