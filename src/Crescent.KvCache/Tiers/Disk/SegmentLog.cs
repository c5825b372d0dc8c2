namespace Crescent.KvCache.Tiers.Disk;

/// <summary>
/// The segments of a directory, as a queue: records are appended to the newest, and space comes back from the oldest.
/// Of that the records that were used since they were written are appended again, and the others are evicted. Every byte
/// that is written allows one to be moved, now or later, so that half of all writing is moving at most. Frames of removals
/// need no care: what they remove is older, and gone before them. One segment's space is always kept free, so that the
/// capacity holds while records move. Used by one thread at a time.
/// </summary>
internal sealed class SegmentLog(DiskTierOptions options, DiskIndex index, TierCounters counters)
{
    /// <summary>Segments' worth of bytes that may be moved at a stretch, while writing waits.</summary>
    private const int MostMoves = 4;

    private readonly long _segmentBytes = options.SegmentSize;
    private readonly AlignedBuffer _moved = new();

    /// <summary>Oldest first, the active one left out.</summary>
    private readonly Queue<SegmentFile> _closed = new();

    private SegmentFile? _active;
    private long _nextId = 1;
    private long _nextSequence = 1;
    private long _allocatedBytes;

    /// <summary>Bytes that may be moved.</summary>
    private long _allowance;

    /// <summary>What the segments take of the disk; any thread may ask.</summary>
    public long AllocatedBytes => Interlocked.Read(ref _allocatedBytes);

    /// <summary>Of all frames that were written, those of records that were moved included.</summary>
    public long AppendedBytes { get; private set; }

    public long LargestFrame => SegmentFile.LargestFrame(_segmentBytes);

    /// <summary>Puts what the directory holds into the index, and fits it into the capacity.</summary>
    public void Load(AlignedBuffer buffer)
    {
        var segments = new List<SegmentFile>();
        foreach (var (id, path) in Files())
        {
            _nextId = id + 1;
            if (Attempt(() => SegmentFile.Load(path, buffer, Restore)) is { } segment)
            {
                segments.Add(segment);
                if (segment.Damaged)
                {
                    counters.Fail("corrupt");
                }
            }
            else
            {
                // What cannot be counted in is not left to take space.
                Attempt(() => File.Delete(path));
            }
        }

        foreach (var segment in segments)
        {
            bool open = segment == segments[^1] && segment.End <= _segmentBytes / 2 && Attempt(() => segment.Reopen(_segmentBytes));
            if (open)
            {
                _active = segment;
            }
            else
            {
                Close(segment, buffer);
            }
        }

        Count();
        while (AllocatedBytes + _segmentBytes > options.CapacityBytes && _closed.TryDequeue(out var oldest))
        {
            Drop(oldest);
        }
    }

    /// <summary>Writes a record, and commits its entry when it is there.</summary>
    /// <returns>False: it could not be written, which is counted, or the entry was removed meanwhile.</returns>
    public bool TryAppend(DiskEntry entry, ReadOnlySpan<byte> record, AlignedBuffer buffer) =>
        TryAppend(entry.Key, record, buffer) is { } place && index.Commit(entry, place);

    /// <summary>Writes that a record is gone, unless it was written again meanwhile.</summary>
    public void AppendRemoval(RecordKey key, AlignedBuffer buffer)
    {
        if (!index.IsPresent(key))
        {
            TryAppend(key, [], buffer);
        }
    }

    /// <summary>Seals the active segment and closes all files.</summary>
    public void Close(AlignedBuffer buffer)
    {
        CloseActive(buffer);
        foreach (var segment in _closed)
        {
            index.Retire(segment);
        }

        _moved.Dispose();
    }

    private IEnumerable<(long Id, string Path)> Files()
    {
        foreach (string path in Directory.EnumerateFiles(options.Directory, "*" + SegmentFile.Extension).Order(StringComparer.Ordinal))
        {
            if (SegmentFile.TryParseId(path, out long id))
            {
                yield return (id, path);
            }
        }
    }

    private void Restore(SegmentFile segment, long offset, FrameHeader header)
    {
        _nextSequence = Math.Max(_nextSequence, header.Sequence + 1);
        if (header.RecordBytes == 0)
        {
            index.Remove(header.Key);
            return;
        }

        // One string per encoding, not one per record.
        var key = header.Key with { Encoding = string.Intern(header.Key.Encoding) };
        index.Restore(key, new FramePlace(segment, offset, header.FrameBytes));
    }

    /// <summary>Appends a frame that fits into a segment, to a new one if it must; null when there is none to be had.</summary>
    private FramePlace? TryAppend(RecordKey key, ReadOnlySpan<byte> record, AlignedBuffer buffer)
    {
        var header = FrameHeader.For(key, _nextSequence, record);
        while (_active?.HasRoom(header, _segmentBytes) != true)
        {
            // What moves may fill the new segment; it uses up the allowance, and the next one is empty.
            if (!TryRoll(buffer))
            {
                return null;
            }
        }

        header = header with { Sequence = _nextSequence };
        _allowance = Math.Min(_allowance + header.FrameBytes, MostMoves * _segmentBytes);
        return Append(header, record, buffer);
    }

    /// <summary>Starts a new segment, and frees the space of the next one.</summary>
    private bool TryRoll(AlignedBuffer buffer)
    {
        CloseActive(buffer);
        _active = Create();
        Count();
        while (AllocatedBytes + _segmentBytes > options.CapacityBytes && _closed.TryDequeue(out var next))
        {
            MoveUsed(next, buffer);
            Drop(next);
        }

        return _active is not null;
    }

    private SegmentFile? Create()
    {
        try
        {
            return CreateNext();
        }
        catch (Exception failure) when (DirectFile.IsOfDisk(failure))
        {
            string reason = DirectFile.ReasonOf(failure);
            counters.Fail(reason);
            if (reason != "full" || !_closed.TryDequeue(out var oldest))
            {
                return null;
            }

            // Somebody else filled the disk: go on in the space that there is.
            Drop(oldest);
            return Attempt(CreateNext);
        }
    }

    private SegmentFile CreateNext() => SegmentFile.Create(options.Directory, _nextId++, _segmentBytes);

    private void MoveUsed(SegmentFile segment, AlignedBuffer buffer)
    {
        foreach (var (entry, place) in index.TakeUsed(segment, _allowance))
        {
            if (_active is null || !TryMove(entry, place, buffer))
            {
                break;
            }

            _allowance -= place.FrameBytes;
        }
    }

    /// <returns>False: nothing more can be appended.</returns>
    private bool TryMove(DiskEntry entry, FramePlace place, AlignedBuffer buffer)
    {
        ReadOnlySpan<byte> frame;
        try
        {
            frame = place.Segment.Read(place.Offset, place.FrameBytes, _moved);
        }
        catch (Exception failure) when (DirectFile.IsOfDisk(failure))
        {
            counters.Fail(DirectFile.ReasonOf(failure));
            return true;
        }

        var fault = FrameHeader.Open(frame, entry.Key, out var record);
        if (fault != FrameFault.None)
        {
            counters.Fail(fault == FrameFault.Mismatch ? "mismatch" : "corrupt");
            return true;
        }

        var header = FrameHeader.For(entry.Key, _nextSequence, record);
        if (!_active!.HasRoom(header, _segmentBytes) || Append(header, record, buffer) is not { } moved)
        {
            return false;
        }

        index.Commit(entry, moved);
        return true;
    }

    /// <summary>Appends to the active segment, which has room; one that fails gets no more frames.</summary>
    private FramePlace? Append(FrameHeader header, ReadOnlySpan<byte> record, AlignedBuffer buffer)
    {
        try
        {
            long offset = _active!.Append(header, record, buffer);
            _nextSequence++;
            AppendedBytes += header.FrameBytes;
            return new FramePlace(_active, offset, header.FrameBytes);
        }
        catch (Exception failure) when (DirectFile.IsOfDisk(failure))
        {
            counters.Fail(DirectFile.ReasonOf(failure));
            _closed.Enqueue(_active!);
            _active = null;
            return null;
        }
    }

    private void CloseActive(AlignedBuffer buffer)
    {
        if (_active is { } segment)
        {
            _active = null;
            Close(segment, buffer);
            Count();
        }
    }

    /// <summary>No more frames for this one. Without a footer, if that cannot be written, it is scanned at the next start.</summary>
    private void Close(SegmentFile segment, AlignedBuffer buffer)
    {
        if (!segment.HasFooter)
        {
            Attempt(() => segment.Seal(buffer));
        }

        segment.Close();
        _closed.Enqueue(segment);
    }

    private void Drop(SegmentFile segment)
    {
        counters.Evict(index.Retire(segment));
        Attempt(segment.Delete);
        Count();
    }

    private void Count() => Interlocked.Exchange(ref _allocatedBytes, _closed.Sum(segment => segment.AllocatedBytes) + (_active?.AllocatedBytes ?? 0));

    private bool Attempt(Action action) => Attempt(() =>
    {
        action();
        return this;
    }) is not null;

    /// <summary>Null when the disk fails, which is counted.</summary>
    private T? Attempt<T>(Func<T> action)
        where T : class
    {
        try
        {
            return action();
        }
        catch (Exception failure) when (DirectFile.IsOfDisk(failure))
        {
            counters.Fail(DirectFile.ReasonOf(failure));
            return null;
        }
    }
}
