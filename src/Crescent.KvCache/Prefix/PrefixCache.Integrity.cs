namespace Crescent.KvCache.Prefix;

public sealed partial class PrefixCache
{
    /// <summary>Throws if the counters, the index and the blocks disagree, or if a tree property above is broken.</summary>
    public void CheckIntegrity()
    {
        int active = _slots.Count(slot => slot.Holders > 0);
        int cached = _slots.Count(slot => slot.Holders == 0 && slot.Hash is not null);
        Check(active == ActiveBlocks, $"{ActiveBlocks} blocks counted active, {active} are");
        Check(cached == CachedBlocks, $"{CachedBlocks} blocks counted cached, {cached} are");
        Check(FreeBlocks + CachedBlocks + ActiveBlocks == TotalBlocks, $"{FreeBlocks} free + {CachedBlocks} cached + {ActiveBlocks} active is not {TotalBlocks}");
        Check(_index.Count == _slots.Count(slot => slot.Hash is not null), "the index and the published blocks differ");
        Check(_free.All(block => _slots[block] is { Holders: 0, Hash: null, Children: 0 }), "a free block is in use");
        var children = new int[TotalBlocks];
        foreach (int block in _index.Values)
        {
            int parent = _slots[block].Parent;
            if (parent != None)
            {
                children[parent]++;
                Check(_slots[parent].Hash is not null, $"block {block} answers but its parent {parent} does not");
                Check(_slots[block].Pins == 0 || _slots[parent].Pins > 0, $"block {block} is pinned but its parent {parent} is not");
                Check(_slots[block].Holders == 0 || _slots[parent].Holders > 0, $"block {block} is active but its parent {parent} is not");
            }
        }

        for (int block = 0; block < TotalBlocks; block++)
        {
            var slot = _slots[block];
            Check(slot.Children == children[block], $"block {block} counts {slot.Children} children and has {children[block]}");
            Check(slot.IsLeaf == _evictable.Contains(block), $"block {block} is wrongly in or out of the eviction order");
        }

        Check(_history.Open == CachedBlocks + _history.Remembered, $"{_history.Open} blocks are waited for to be used again");
        CheckPins();
    }

    private void CheckPins()
    {
        var pins = new int[TotalBlocks];
        foreach (int block in _pins.SelectMany(pin => pin.Blocks))
        {
            pins[block]++;
        }

        for (int block = 0; block < TotalBlocks; block++)
        {
            Check(_slots[block].Pins == pins[block], $"block {block} counts {_slots[block].Pins} pins and has {pins[block]}");
            Check(pins[block] == 0 || _slots[block].Hash is not null, $"block {block} is pinned and does not answer");
        }

        int pinned = pins.Count(count => count > 0);
        int cached = _slots.Count(slot => slot is { Pins: > 0, Holders: 0 });
        Check(pinned == PinnedBlocks, $"{PinnedBlocks} blocks counted pinned, {pinned} are");
        Check(cached == _pinnedCached, $"{_pinnedCached} pinned blocks counted cached, {cached} are");
        Check(pinned <= MaxPinnedBlocks, $"{pinned} blocks are pinned, {MaxPinnedBlocks} may be");
    }

    private static void Check(bool condition, string message)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"prefix cache integrity: {message}");
        }
    }
}
