using System.Diagnostics.CodeAnalysis;

namespace Crescent.KvCache.Tiers.Disk;

/// <summary>A record on its way to, or in, a segment.</summary>
internal sealed class DiskEntry(RecordKey key)
{
    public RecordKey Key => key;

    /// <summary>Null while the record is in flight; guarded by the index.</summary>
    public FramePlace? Place { get; set; }

    /// <summary>Looked up or read since it was written, or since its segment was the oldest; guarded by the index.</summary>
    public bool Used { get; set; }
}

internal sealed record FramePlace(SegmentFile Segment, long Offset, long FrameBytes);

/// <summary>Which records there are, and where. Safe for concurrent use; nothing here waits for the disk.</summary>
internal sealed class DiskIndex
{
    private readonly Lock _gate = new();
    private readonly Dictionary<RecordKey, DiskEntry> _entries = [];
    private int _inFlight;

    public int Records
    {
        get
        {
            lock (_gate)
            {
                return _entries.Count - _inFlight;
            }
        }
    }

    public void Look(ReadOnlySpan<RecordKey> keys, Span<Residence> answers)
    {
        lock (_gate)
        {
            for (int i = 0; i < keys.Length; i++)
            {
                answers[i] = Residence.Absent;
                if (_entries.TryGetValue(keys[i], out var entry))
                {
                    entry.Used = true;
                    answers[i] = entry.Place is null ? Residence.InFlight : Residence.Present;
                }
            }
        }
    }

    /// <summary>Makes an entry in flight, unless there is one.</summary>
    /// <param name="residence">What there was before.</param>
    public DiskEntry? Begin(RecordKey key, out Residence residence)
    {
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var existing))
            {
                residence = existing.Place is null ? Residence.InFlight : Residence.Present;
                return null;
            }

            residence = Residence.Absent;
            var entry = new DiskEntry(key);
            _entries.Add(key, entry);
            _inFlight++;
            return entry;
        }
    }

    /// <summary>The commit point: from now on an entry that was begun, or that stood elsewhere, is here.</summary>
    /// <returns>False: it has been removed meanwhile.</returns>
    public bool Commit(DiskEntry entry, FramePlace place)
    {
        lock (_gate)
        {
            if (!IsCurrent(entry))
            {
                return false;
            }

            _inFlight -= entry.Place is null ? 1 : 0;
            Put(entry, place);
            return true;
        }
    }

    /// <summary>Puts in a record that opening found; a later frame of its key replaces it.</summary>
    public void Restore(RecordKey key, FramePlace place)
    {
        lock (_gate)
        {
            var entry = new DiskEntry(key);
            _entries[key] = entry;
            Put(entry, place);
        }
    }

    public bool IsPresent(RecordKey key)
    {
        lock (_gate)
        {
            return _entries.TryGetValue(key, out var entry) && entry.Place is not null;
        }
    }

    /// <returns>Whether there was such an entry, in flight or not.</returns>
    public bool Remove(RecordKey key)
    {
        lock (_gate)
        {
            return _entries.TryGetValue(key, out var entry) && RemoveCurrent(entry);
        }
    }

    /// <summary>Removes this entry, but not another that has taken over its key.</summary>
    public bool Remove(DiskEntry entry)
    {
        lock (_gate)
        {
            return IsCurrent(entry) && RemoveCurrent(entry);
        }
    }

    /// <summary>Where to read a record; its segment stays open until <see cref="EndRead"/>.</summary>
    public bool TryBeginRead(RecordKey key, [NotNullWhen(true)] out DiskEntry? entry, [NotNullWhen(true)] out FramePlace? place)
    {
        lock (_gate)
        {
            place = null;
            if (!_entries.TryGetValue(key, out entry) || entry.Place is not { } found)
            {
                return false;
            }

            place = found;
            entry.Used = true;
            place.Segment.Readers++;
            return true;
        }
    }

    public void EndRead(FramePlace place)
    {
        lock (_gate)
        {
            place.Segment.Readers--;
            CloseIfUnused(place.Segment);
        }
    }

    /// <summary>The records of a segment that were used, no more of them than fit into so many bytes; none counts as used from now on.</summary>
    public List<(DiskEntry Entry, FramePlace Place)> TakeUsed(SegmentFile segment, long bytes)
    {
        var used = new List<(DiskEntry, FramePlace)>();
        lock (_gate)
        {
            foreach (var entry in segment.Entries)
            {
                if (IsIn(entry, segment) && entry.Used && entry.Place!.FrameBytes <= bytes)
                {
                    entry.Used = false;
                    used.Add((entry, entry.Place));
                    bytes -= entry.Place.FrameBytes;
                }
            }
        }

        return used;
    }

    /// <summary>Removes all records of a segment; the last reader closes it.</summary>
    /// <returns>How many there were.</returns>
    public int Retire(SegmentFile segment)
    {
        lock (_gate)
        {
            int removed = 0;
            foreach (var entry in segment.Entries)
            {
                removed += IsIn(entry, segment) && RemoveCurrent(entry) ? 1 : 0;
            }

            segment.Retired = true;
            CloseIfUnused(segment);
            return removed;
        }
    }

    private static void Put(DiskEntry entry, FramePlace place)
    {
        entry.Place = place;
        place.Segment.Entries.Add(entry);
    }

    private static void CloseIfUnused(SegmentFile segment)
    {
        if (segment is { Retired: true, Readers: 0 })
        {
            segment.Dispose();
        }
    }

    private bool IsCurrent(DiskEntry entry) => _entries.TryGetValue(entry.Key, out var current) && ReferenceEquals(current, entry);

    private bool IsIn(DiskEntry entry, SegmentFile segment) => ReferenceEquals(entry.Place?.Segment, segment) && IsCurrent(entry);

    private bool RemoveCurrent(DiskEntry entry)
    {
        _inFlight -= entry.Place is null ? 1 : 0;
        return _entries.Remove(entry.Key);
    }
}
