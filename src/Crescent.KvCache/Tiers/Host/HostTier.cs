namespace Crescent.KvCache.Tiers.Host;

/// <summary>
/// Records in native memory of a fixed size; whoever writes one has verified it. Copies are made on the caller's thread
/// and outside the lock; a record that is being copied keeps its pages, whatever happens to its key. When there is no
/// room the least recently used record goes; use is a lookup that finds it, or a write. A lookup makes the first of its
/// keys the most recently used, because of a chain the first block is worth most. Failures: full, oversized.
/// </summary>
public sealed class HostTier : IKvTier
{
    private readonly Lock _gate = new();
    private readonly TierCounters _counters = new();
    private readonly PageArena _arena;
    private readonly Dictionary<RecordKey, Entry> _entries = [];

    /// <summary>What can be evicted, most recently used first.</summary>
    private readonly LinkedList<Entry> _order = new();

    private int _copies;
    private bool _closed;

    /// <param name="capacityBytes">All of it is reserved at once, and backed by memory as it is used; at least one page of 16 KiB.</param>
    /// <exception cref="OutOfMemoryException">There is no address space for it.</exception>
    public HostTier(long capacityBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacityBytes, PageArena.PageBytes);
        _arena = new PageArena(checked((int)(capacityBytes / PageArena.PageBytes)));
    }

    public string Name => "host";

    public ValueTask LookupAsync(ReadOnlyMemory<RecordKey> keys, Memory<Residence> answers, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            for (int i = keys.Length - 1; i >= 0; i--)
            {
                answers.Span[i] = Look(keys.Span[i]);
            }
        }

        return ValueTask.CompletedTask;
    }

    public ValueTask<RentedBytes?> ReadAsync(RecordKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Entry? entry;
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out entry) && entry.Present)
            {
                Hold(entry);
            }
            else
            {
                entry = null;
            }
        }

        if (entry is null)
        {
            _counters.Miss();
            return ValueTask.FromResult<RentedBytes?>(null);
        }

        try
        {
            var bytes = RentedBytes.Rent(entry.Length);
            _arena.CopyOut(entry.FirstPage, bytes.Memory.Span);
            _counters.Hit();
            return ValueTask.FromResult<RentedBytes?>(bytes);
        }
        finally
        {
            Release(entry);
        }
    }

    public ValueTask<bool> WriteAsync(RecordKey key, ReadOnlyMemory<byte> record, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfZero(record.Length, nameof(record));
        cancellationToken.ThrowIfCancellationRequested();
        Entry entry;
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var existing))
            {
                return ValueTask.FromResult(existing.Present);
            }

            if (_closed || !TryMakeRoom(record.Length))
            {
                return ValueTask.FromResult(false);
            }

            int pages = PageArena.PagesFor(record.Length);
            entry = new Entry(key, record.Length, _arena.Allocate(pages), pages);
            _entries.Add(key, entry);
            Hold(entry);
        }

        _arena.CopyIn(record.Span, entry.FirstPage);
        return ValueTask.FromResult(Commit(entry));
    }

    public ValueTask RemoveAsync(RecordKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (_entries.TryGetValue(key, out var entry))
            {
                Drop(entry);
            }
        }

        return ValueTask.CompletedTask;
    }

    public TierStatus GetStatus()
    {
        lock (_gate)
        {
            long used = _arena.Pages - _arena.FreePages;
            return _counters.Status(_order.Count, used * PageArena.PageBytes, (long)_arena.Pages * PageArena.PageBytes);
        }
    }

    /// <summary>Forgets everything; the memory goes with the last copy that is being made.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_closed)
            {
                return ValueTask.CompletedTask;
            }

            foreach (var entry in _entries.Values.ToList())
            {
                Drop(entry);
            }

            _closed = true;
            FreeIfUnused();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Throws if the pages, the index and the order disagree; for a tier that nobody is using.</summary>
    internal void CheckIntegrity()
    {
        lock (_gate)
        {
            int used = _entries.Values.Sum(entry => entry.Pages);
            if (_copies != 0 || used + _arena.FreePages != _arena.Pages || _order.Count != _entries.Count)
            {
                throw new InvalidOperationException(
                    $"host tier integrity: {_copies} copies, {used} pages used + {_arena.FreePages} free of {_arena.Pages}, {_order.Count} in order of {_entries.Count}");
            }
        }
    }

    private Residence Look(RecordKey key)
    {
        if (!_entries.TryGetValue(key, out var entry))
        {
            return Residence.Absent;
        }

        if (!entry.Present)
        {
            return Residence.InFlight;
        }

        _order.Remove(entry.Node);
        _order.AddFirst(entry.Node);
        return Residence.Present;
    }

    private bool TryMakeRoom(int bytes)
    {
        int pages = PageArena.PagesFor(bytes);
        if (pages > _arena.Pages)
        {
            _counters.Fail("oversized");
            return false;
        }

        for (var node = _order.Last; node is not null && _arena.FreePages < pages;)
        {
            var entry = node.Value;
            node = node.Previous;
            if (entry.Holders == 0)
            {
                Drop(entry);
                _counters.Evict();
            }
        }

        if (_arena.FreePages < pages)
        {
            _counters.Fail("full");
            return false;
        }

        return true;
    }

    private bool Commit(Entry entry)
    {
        lock (_gate)
        {
            bool kept = !entry.Dropped;
            if (kept)
            {
                entry.Present = true;
                _order.AddFirst(entry.Node);
                _counters.Write();
            }

            ReleaseHeld(entry);
            return kept;
        }
    }

    private void Hold(Entry entry)
    {
        entry.Holders++;
        _copies++;
    }

    private void Release(Entry entry)
    {
        lock (_gate)
        {
            ReleaseHeld(entry);
        }
    }

    private void ReleaseHeld(Entry entry)
    {
        _copies--;
        if (--entry.Holders == 0 && entry.Dropped)
        {
            _arena.Free(entry.FirstPage, entry.Pages);
        }

        FreeIfUnused();
    }

    /// <summary>From now on the key is absent; the pages are free at once, or with the last copy.</summary>
    private void Drop(Entry entry)
    {
        _entries.Remove(entry.Key);
        entry.Dropped = true;
        if (entry.Present)
        {
            _order.Remove(entry.Node);
        }

        if (entry.Holders == 0)
        {
            _arena.Free(entry.FirstPage, entry.Pages);
        }
    }

    private void FreeIfUnused()
    {
        if (_closed && _copies == 0)
        {
            _arena.Dispose();
        }
    }

    private sealed class Entry
    {
        public Entry(RecordKey key, int length, int firstPage, int pages)
        {
            Key = key;
            Length = length;
            FirstPage = firstPage;
            Pages = pages;
            Node = new LinkedListNode<Entry>(this);
        }

        public RecordKey Key { get; }

        public int Length { get; }

        public int FirstPage { get; }

        public int Pages { get; }

        /// <summary>In the order while the entry is present.</summary>
        public LinkedListNode<Entry> Node { get; }

        /// <summary>Copies that are being made from or to its pages.</summary>
        public int Holders { get; set; }

        /// <summary>The copy to its pages is complete.</summary>
        public bool Present { get; set; }

        /// <summary>No longer in the index; its pages go with the last holder.</summary>
        public bool Dropped { get; set; }
    }
}
