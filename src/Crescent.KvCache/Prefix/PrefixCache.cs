using System.Runtime.InteropServices;
using Crescent.KvCache.Blocks;

namespace Crescent.KvCache.Prefix;

/// <summary>
/// The device tier: which blocks are free, which belong to running sequences, and which are kept for their KV.
/// A block is <i>free</i> (nobody wants what is in it), <i>active</i> (one or more sequences hold it) or <i>cached</i>
/// (nobody holds it, but its hash answers). FreeBlocks + CachedBlocks + ActiveBlocks == TotalBlocks, always.
/// Eviction takes the least recently used leaf first: a block with cached children is never evicted before them, so
/// what is held of a chain is always a prefix of it. Holders of a block hold its ancestors, so a cached block has no
/// active children. Not safe for concurrent use: the engine's thread owns it.
/// </summary>
public sealed class PrefixCache
{
    private const int None = -1;

    private readonly Slot[] _slots;

    /// <summary>[total blocks, block size]: the tokens of published blocks.</summary>
    private readonly int[] _tokens;

    private readonly Stack<int> _free;
    private readonly Dictionary<BlockHash, int> _index;
    private readonly EvictionOrder _evictable;
    private long _clock;

    /// <param name="totalBlocks">Blocks in the device pool.</param>
    /// <param name="blockSize">Positions per block.</param>
    public PrefixCache(int totalBlocks, int blockSize)
    {
        BlockSize = blockSize;
        _slots = new Slot[totalBlocks];
        _tokens = new int[checked(totalBlocks * blockSize)];
        _index = new Dictionary<BlockHash, int>(totalBlocks);
        _evictable = new EvictionOrder(totalBlocks);
        _free = new Stack<int>(totalBlocks);
        for (int i = totalBlocks - 1; i >= 0; i--)
        {
            _slots[i].Parent = None;
            _free.Push(i);
        }
    }

    public int BlockSize { get; }

    public int TotalBlocks => _slots.Length;

    public int FreeBlocks => _free.Count;

    public int CachedBlocks { get; private set; }

    public int ActiveBlocks { get; private set; }

    /// <summary>Blocks that <see cref="TryAllocate"/> can give: every cached one can be evicted, leaves first.</summary>
    public int AvailableBlocks => FreeBlocks + CachedBlocks;

    /// <summary>
    /// Appends the longest held prefix of a chain to an empty table and holds its blocks. Token ids are compared on
    /// every hit, so a hash collision is a miss.
    /// </summary>
    /// <param name="chain">Block hashes, first block first.</param>
    /// <param name="tokens">The tokens those hashes were made of.</param>
    public void Acquire(ReadOnlySpan<BlockHash> chain, ReadOnlySpan<int> tokens, BlockTable table)
    {
        for (int i = 0; i < chain.Length; i++)
        {
            var expected = tokens.Slice(i * BlockSize, BlockSize);
            if (!_index.TryGetValue(chain[i], out int block) || !expected.SequenceEqual(Tokens(block)))
            {
                return;
            }

            Hold(block);
            table.Add(new BlockId(block));
        }
    }

    /// <summary>How many blocks of a chain are held, and how many of those are cached: acquiring makes these unavailable.</summary>
    public (int Held, int Cached) Measure(ReadOnlySpan<BlockHash> chain)
    {
        int held = 0;
        int cached = 0;
        while (held < chain.Length && _index.TryGetValue(chain[held], out int block))
        {
            held++;
            cached += _slots[block].Holders == 0 ? 1 : 0;
        }

        return (held, cached);
    }

    /// <summary>Appends <paramref name="count"/> private blocks to the table, evicting if it must; all of them or none.</summary>
    public bool TryAllocate(int count, BlockTable table)
    {
        if (count > AvailableBlocks)
        {
            return false;
        }

        for (int i = 0; i < count; i++)
        {
            if (_free.Count == 0)
            {
                EvictOne();
            }

            int block = _free.Pop();
            _slots[block].Holders = 1;
            ActiveBlocks++;
            table.Add(new BlockId(block));
        }

        return true;
    }

    /// <summary>
    /// Makes a full block of a held table answer for its hash from now on. When another block already does, the table
    /// takes that one over and its own becomes free: both hold the same KV.
    /// </summary>
    /// <param name="table">The table whose blocks before <paramref name="index"/> are published.</param>
    /// <param name="index">The block, now full of computed positions.</param>
    /// <param name="hash">Its hash; the parent's is that of block <paramref name="index"/> − 1.</param>
    /// <param name="tokens">Its token ids.</param>
    public void Publish(BlockTable table, int index, BlockHash hash, ReadOnlySpan<int> tokens)
    {
        int block = table[index].Value;
        int parent = index == 0 ? None : table[index - 1].Value;
        if (parent != None && _slots[parent].Hash is null)
        {
            // The parent collided with another block: what answers for this hash may follow that one.
            return;
        }

        if (_index.TryGetValue(hash, out int other))
        {
            if (tokens.SequenceEqual(Tokens(other)))
            {
                Hold(other);
                ReleaseBlock(block);
                table.Replace(index, new BlockId(other));
            }

            return;
        }

        _index.Add(hash, block);
        ref var slot = ref _slots[block];
        slot.Hash = hash;
        tokens.CopyTo(Tokens(block));
        slot.Parent = parent;
        if (parent != None)
        {
            _slots[parent].Children++;
        }
    }

    /// <summary>Lets go of all blocks of a table and empties it. Published blocks stay cached, the others become free.</summary>
    public void Release(BlockTable table)
    {
        // Last block first, so that within one release leaves are the least recently used.
        for (int i = table.Count - 1; i >= 0; i--)
        {
            ReleaseBlock(table[i].Value);
        }

        table.Clear();
    }

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
                Check(_slots[block].Holders == 0 || _slots[parent].Holders > 0, $"block {block} is active but its parent {parent} is not");
            }
        }

        for (int block = 0; block < TotalBlocks; block++)
        {
            var slot = _slots[block];
            Check(slot.Children == children[block], $"block {block} counts {slot.Children} children and has {children[block]}");
            bool leaf = slot is { Holders: 0, Hash: not null, Children: 0 };
            Check(leaf == _evictable.Contains(block), $"block {block} is wrongly in or out of the eviction order");
        }
    }

    private static void Check(bool condition, string message)
    {
        if (!condition)
        {
            throw new InvalidOperationException($"prefix cache integrity: {message}");
        }
    }

    private Span<int> Tokens(int block) => _tokens.AsSpan(block * BlockSize, BlockSize);

    private void Hold(int block)
    {
        ref var slot = ref _slots[block];
        if (slot.Holders++ == 0)
        {
            _evictable.Remove(block);
            CachedBlocks--;
            ActiveBlocks++;
        }
    }

    private void ReleaseBlock(int block)
    {
        ref var slot = ref _slots[block];
        if (--slot.Holders > 0)
        {
            return;
        }

        ActiveBlocks--;
        if (slot.Hash is null)
        {
            _free.Push(block);
            return;
        }

        CachedBlocks++;
        slot.LastUse = ++_clock;
        AddIfLeaf(block);
    }

    private void EvictOne()
    {
        int block = _evictable.First;
        _evictable.Remove(block);
        ref var slot = ref _slots[block];
        _index.Remove(slot.Hash!.Value);
        int parent = slot.Parent;
        slot = new Slot { Parent = None };
        CachedBlocks--;
        _free.Push(block);
        if (parent != None)
        {
            _slots[parent].Children--;
            AddIfLeaf(parent);
        }
    }

    private void AddIfLeaf(int block)
    {
        ref var slot = ref _slots[block];
        if (slot is { Holders: 0, Hash: not null, Children: 0 })
        {
            _evictable.Add(block, slot.LastUse);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Slot
    {
        /// <summary>Sequences that hold the block; 0 is free or cached.</summary>
        public int Holders;

        /// <summary>Set while the block answers for its hash.</summary>
        public BlockHash? Hash;

        public int Parent;

        /// <summary>Published blocks whose parent this is.</summary>
        public int Children;

        public long LastUse;
    }
}
