namespace Crescent.KvCache.Tiers.Disk;

/// <summary>
/// Records in segment files of one directory, see <see cref="SegmentLog"/>. Reads and writes are done by threads of its
/// own behind bounded queues; what does not fit in these is refused. A frame that is not what its checksums say, or
/// holds another record than the index says, is a miss and is removed.
/// <para>
/// Nothing is flushed record by record: a record that was committed outlives its process, and a loss of power takes the
/// last ones, or leaves frames whose checksums do not match. After a restart everything that was committed is there
/// again; sealed segments are opened by their footers, the last one by its headers.
/// </para>
/// <para>Failures: corrupt, mismatch, full, denied, gone, io, oversized, queue.</para>
/// </summary>
public sealed class DiskTier : IKvTier
{
    private readonly DiskTierOptions _options;
    private readonly TierCounters _counters = new();
    private readonly DiskIndex _index = new();
    private readonly DirectoryLock _lock;
    private readonly SegmentLog _log;
    private readonly JobQueue _readers;
    private bool _closed;

    private DiskTier(DiskTierOptions options)
    {
        _options = options;
        _lock = DirectoryLock.Acquire(options.Directory);
        try
        {
            _log = new SegmentLog(options, _index, _counters);
            using var buffer = new AlignedBuffer();
            _log.Load(buffer);
        }
        catch
        {
            _lock.Dispose();
            throw;
        }

        Writer = new JobQueue("kv disk writer", threads: 1, options.QueuedWrites);
        _readers = new JobQueue("kv disk reader", options.ReadThreads, options.QueuedReads);
    }

    public string Name => "disk";

    /// <summary>The thread that owns the log.</summary>
    internal JobQueue Writer { get; }

    /// <summary>Of all frames since the start.</summary>
    internal long AppendedBytes => _log.AppendedBytes;

    /// <summary>Takes the directory and reads its index; blocks for as long as that takes.</summary>
    /// <exception cref="IOException">The directory cannot be used, or another process has it; the message names it.</exception>
    public static DiskTier Open(DiskTierOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.CapacityBytes, DiskTierOptions.LeastCapacityBytes, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.SegmentSize, DiskTierOptions.LeastSegmentBytes, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.SegmentBytes, 1 << 30, nameof(options));
        return new DiskTier(options);
    }

    public ValueTask LookupAsync(ReadOnlyMemory<RecordKey> keys, Memory<Residence> answers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _index.Look(keys.Span, answers.Span);
        return ValueTask.CompletedTask;
    }

    public async ValueTask<RentedBytes?> ReadAsync(RecordKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_index.IsPresent(key))
        {
            _counters.Miss();
            return null;
        }

        var read = new TaskCompletionSource<RentedBytes?>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (!_readers.TryAdd(buffer => Read(key, read, buffer)))
        {
            _counters.Fail("queue");
            _counters.Miss();
            return null;
        }

        using (cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource<RentedBytes?>)state!).TrySetCanceled(token), read))
        {
            return await read.Task;
        }
    }

    /// <inheritdoc/>
    /// <remarks>Cancelling takes the record out of the queue; one that is being written is waited for, since its bytes are in use.</remarks>
    public async ValueTask<bool> WriteAsync(RecordKey key, ReadOnlyMemory<byte> record, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(record.Length, nameof(record));
        _ = BlockRecord.EncodingBytes(key);
        cancellationToken.ThrowIfCancellationRequested();
        if (DirectFile.Align((long)FrameHeader.MaxBytes + record.Length) > _log.LargestFrame)
        {
            _counters.Fail("oversized");
            return false;
        }

        if (_index.Begin(key, out var residence) is not { } entry)
        {
            return residence == Residence.Present;
        }

        var write = new PendingWrite();
        if (!Writer.TryAdd(buffer => Write(entry, record, write, buffer)))
        {
            _index.Remove(entry);
            _counters.Fail("queue");
            return false;
        }

        using (cancellationToken.UnsafeRegister(static (state, token) => ((PendingWrite)state!).Cancel(token), write))
        {
            try
            {
                return await write.Task;
            }
            catch (OperationCanceledException)
            {
                _index.Remove(entry);
                throw;
            }
        }
    }

    /// <summary>Ends when it stands on the disk that the record is gone, so that it does not come back with a restart.</summary>
    public async ValueTask RemoveAsync(RecordKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_index.Remove(key))
        {
            await AppendRemovalAsync(key);
        }
    }

    public TierStatus GetStatus() => _counters.Status(_index.Records, _log.AllocatedBytes, _options.CapacityBytes);

    /// <summary>Does what is queued, then seals the last segment and lets the directory go.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, true))
        {
            return;
        }

        await Task.WhenAll(Writer.CloseAsync(), _readers.CloseAsync());
        await Task.Run(() =>
        {
            using var buffer = new AlignedBuffer();
            _log.Close(buffer);
            _lock.Dispose();
        });
    }

    private void Write(DiskEntry entry, ReadOnlyMemory<byte> record, PendingWrite write, AlignedBuffer buffer)
    {
        if (!write.TryStart())
        {
            return;
        }

        try
        {
            bool written = _log.TryAppend(entry, record.Span, buffer);
            if (written)
            {
                _counters.Write();
            }
            else
            {
                _index.Remove(entry);
            }

            write.SetResult(written);
        }
        catch (Exception failure)
        {
            _index.Remove(entry);
            write.SetException(failure);
        }
    }

    private void Read(RecordKey key, TaskCompletionSource<RentedBytes?> read, AlignedBuffer buffer)
    {
        if (read.Task.IsCompleted)
        {
            return;
        }

        try
        {
            var bytes = _index.TryBeginRead(key, out var entry, out var place) ? Fetch(entry, place, buffer) : null;
            if (!read.TrySetResult(bytes))
            {
                bytes?.Dispose();
            }
            else if (bytes is null)
            {
                _counters.Miss();
            }
            else
            {
                _counters.Hit();
            }
        }
        catch (Exception failure)
        {
            read.TrySetException(failure);
        }
    }

    private RentedBytes? Fetch(DiskEntry entry, FramePlace place, AlignedBuffer buffer)
    {
        try
        {
            var frame = place.Segment.Read(place.Offset, place.FrameBytes, buffer);
            var fault = FrameHeader.Open(frame, entry.Key, out var record);
            if (fault == FrameFault.None)
            {
                var bytes = RentedBytes.Rent(record.Length);
                record.CopyTo(bytes.Memory.Span);
                return bytes;
            }

            _counters.Fail(fault == FrameFault.Mismatch ? "mismatch" : "corrupt");
        }
        catch (Exception failure) when (DirectFile.IsOfDisk(failure))
        {
            _counters.Fail(DirectFile.ReasonOf(failure));
        }
        finally
        {
            _index.EndRead(place);
        }

        if (_index.Remove(entry))
        {
            _ = AppendRemovalAsync(entry.Key);
        }

        return null;
    }

    private Task AppendRemovalAsync(RecordKey key)
    {
        var removal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool queued = Writer.TryAdd(buffer =>
        {
            try
            {
                _log.AppendRemoval(key, buffer);
                removal.SetResult();
            }
            catch (Exception failure)
            {
                removal.SetException(failure);
            }
        });
        if (queued)
        {
            return removal.Task;
        }

        _counters.Fail("queue");
        return Task.CompletedTask;
    }

    /// <summary>Of the writer and of cancelling, who comes first decides.</summary>
    private sealed class PendingWrite() : TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        private bool _claimed;

        public bool TryStart() => !Interlocked.Exchange(ref _claimed, true);

        public void Cancel(CancellationToken cancellationToken)
        {
            if (TryStart())
            {
                SetCanceled(cancellationToken);
            }
        }
    }
}
