using Crescent.KvCache.Blocks;

namespace Crescent.KvCache.Prefix;

/// <summary>
/// Pins: each covers a chain from its first block on, so that what a pinned block hangs on is pinned, too. A pinned block
/// that nobody holds is cached, but cannot be allocated.
/// </summary>
public sealed partial class PrefixCache
{
    private readonly List<Pin> _pins = [];
    private readonly int _maxPins;
    private DateTimeOffset _nextExpiry = DateTimeOffset.MaxValue;
    private long _lastPin;

    /// <summary>Pinned and held by no sequence.</summary>
    private int _pinnedCached;

    /// <summary>The most blocks that can be pinned.</summary>
    public int MaxPinnedBlocks { get; }

    public int PinnedBlocks { get; private set; }

    public int Pins => _pins.Count;

    /// <summary>
    /// Keeps a chain from eviction. Pins that are less important end when there is no room otherwise, the least important
    /// first, and of those the one that would expire first; when that would not make room, none does.
    /// </summary>
    /// <param name="chain">Block hashes, first block first, at least one.</param>
    /// <param name="tokens">The tokens those hashes were made of.</param>
    /// <param name="terms">Lease, priority and consumers.</param>
    /// <param name="pin">The new pin's id when the outcome is <see cref="PinOutcome.Pinned"/>.</param>
    public PinOutcome TryPin(ReadOnlySpan<BlockHash> chain, ReadOnlySpan<int> tokens, PinTerms terms, out PinId pin)
    {
        ArgumentOutOfRangeException.ThrowIfZero(chain.Length, nameof(chain));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(terms.Lease, TimeSpan.Zero, nameof(terms.Lease));
        ArgumentOutOfRangeException.ThrowIfNegative(terms.PendingConsumers, nameof(terms.PendingConsumers));
        ExpirePins();
        pin = default;
        var blocks = new int[chain.Length];
        for (int i = 0; i < blocks.Length; i++)
        {
            if (!TryFind(chain[i], TokensOf(tokens, i), out blocks[i]))
            {
                return PinOutcome.NotHeld;
            }
        }

        if (!TryMakeRoom(blocks, terms.Priority))
        {
            return PinOutcome.OverLimit;
        }

        pin = new PinId(++_lastPin);
        _pins.Add(new Pin(pin, blocks, terms.Priority, _time.GetUtcNow() + terms.Lease, terms.PendingConsumers));
        UpdateNextExpiry();
        Array.ForEach(blocks, AddPin);
        return PinOutcome.Pinned;
    }

    /// <summary>Lets the pin's lease begin anew.</summary>
    /// <returns>Whether the pin was still there.</returns>
    public bool RenewPin(PinId pin, TimeSpan lease)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(lease, TimeSpan.Zero);
        ExpirePins();
        var renewed = _pins.Find(held => held.Id == pin);
        if (renewed is null)
        {
            return false;
        }

        renewed.Expiry = _time.GetUtcNow() + lease;
        UpdateNextExpiry();
        return true;
    }

    /// <returns>Whether the pin was still there.</returns>
    public bool Unpin(PinId pin)
    {
        int index = _pins.FindIndex(held => held.Id == pin);
        if (index < 0)
        {
            return false;
        }

        EndPin(index);
        return true;
    }

    /// <summary>A new sequence has acquired this table: pins whose whole chain is in it have one pending consumer less.</summary>
    public void Consumed(BlockTable table)
    {
        for (int i = _pins.Count - 1; i >= 0; i--)
        {
            var pin = _pins[i];
            int last = pin.Blocks.Length - 1;
            bool consumed = pin.PendingConsumers > 0 && last < table.Count && table[last].Value == pin.Blocks[last];
            if (consumed && --pin.PendingConsumers == 0)
            {
                EndPin(i);
            }
        }
    }

    /// <summary>
    /// Ends the pins whose lease is over. Allocating and pinning do so themselves; who counts on
    /// <see cref="AvailableBlocks"/> calls it before.
    /// </summary>
    public void ExpirePins()
    {
        if (_pins.Count == 0)
        {
            return;
        }

        var now = _time.GetUtcNow();
        if (now < _nextExpiry)
        {
            return;
        }

        for (int i = _pins.Count - 1; i >= 0; i--)
        {
            if (_pins[i].Expiry <= now)
            {
                EndPin(i);
            }
        }
    }

    private bool TryMakeRoom(int[] blocks, int priority)
    {
        var staying = _pins.Where(pin => pin.Priority <= priority).ToList();
        var least = staying.SelectMany(pin => pin.Blocks).Concat(blocks).Distinct().Count();
        if (least > MaxPinnedBlocks || staying.Count >= _maxPins)
        {
            return false;
        }

        while (PinnedBlocks + blocks.Count(block => _slots[block].Pins == 0) > MaxPinnedBlocks || _pins.Count >= _maxPins)
        {
            var leaving = _pins.Where(pin => pin.Priority > priority).MinBy(pin => (-(long)pin.Priority, pin.Expiry, pin.Id.Value))!;
            EndPin(_pins.IndexOf(leaving));
        }

        return true;
    }

    private void EndPin(int index)
    {
        var blocks = _pins[index].Blocks;
        _pins.RemoveAt(index);
        UpdateNextExpiry();
        Array.ForEach(blocks, RemovePin);
    }

    private void UpdateNextExpiry()
    {
        _nextExpiry = DateTimeOffset.MaxValue;
        foreach (var pin in _pins)
        {
            _nextExpiry = pin.Expiry < _nextExpiry ? pin.Expiry : _nextExpiry;
        }
    }

    private void AddPin(int block)
    {
        ref var slot = ref _slots[block];
        if (slot.Pins++ == 0)
        {
            PinnedBlocks++;
            _pinnedCached += slot.Holders == 0 ? 1 : 0;
            _evictable.Remove(block);
        }
    }

    private void RemovePin(int block)
    {
        ref var slot = ref _slots[block];
        if (--slot.Pins == 0)
        {
            PinnedBlocks--;
            _pinnedCached -= slot.Holders == 0 ? 1 : 0;
            AddIfLeaf(block);
        }
    }

    private sealed class Pin(PinId id, int[] blocks, int priority, DateTimeOffset expiry, int pendingConsumers)
    {
        public PinId Id { get; } = id;

        public int[] Blocks { get; } = blocks;

        public int Priority { get; } = priority;

        public DateTimeOffset Expiry { get; set; } = expiry;

        /// <summary>0: there never were any.</summary>
        public int PendingConsumers { get; set; } = pendingConsumers;
    }
}
