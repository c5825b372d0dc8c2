using System.Runtime.InteropServices;
using Crescent.KvCache.Blocks;

namespace Crescent.KvCache.Prefix;

/// <summary>
/// The device tier: which blocks are free, which belong to running sequences, and which are kept for their KV.
/// A block is <i>free</i> (nobody wants what is in it), <i>active</i> (one or more sequences hold it) or <i>cached</i>
/// (nobody holds it, but its hash answers). FreeBlocks + CachedBlocks + ActiveBlocks == TotalBlocks, always.
/// Eviction takes leaves only, the one that its policy finds worth least: a block with cached children is never evicted
/// before them, so what is held of a chain is always a prefix of it. Holders of a block hold its ancestors, so a cached
/// block has no active children. Pinned blocks are never evicted. Not safe for concurrent use: the engine's thread owns it.
/// </summary>
public sealed partial class PrefixCache
{
    private const int None = -1;

    private readonly Slot[] _slots;

    /// <summary>[total blocks, block size]: the tokens of published blocks.</summary>
    private readonly int[] _tokens;

    private readonly Stack<int> _free;
    private readonly Dictionary<BlockHash, int> _index;
    private readonly ReuseHistory _history;
    private readonly EvictionOrder _evictable;
    private readonly TimeProvider _time;
    private long _clock;

    /// <param name="totalBlocks">Blocks in the device pool.</param>
    /// <param name="blockSize">Positions per block.</param>
    /// <param name="options">The defaults when left out.</param>
    /// <param name="time">Ends pins; the system's when left out.</param>
    public PrefixCache(int totalBlocks, int blockSize, PrefixCacheOptions? options = null, TimeProvider? time = null)
    {
        options ??= new PrefixCacheOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.PinnableShare, 0, nameof(options.PinnableShare));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(options.PinnableShare, 1, nameof(options.PinnableShare));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(options.Prefill.SecondsPerToken, 0, nameof(options.Prefill));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Prefill.SecondsPerTokenAndPosition, 0, nameof(options.Prefill));
        BlockSize = blockSize;
        MaxPinnedBlocks = (int)(totalBlocks * options.PinnableShare);
        _maxPins = options.MaxPins;
        _time = time ?? TimeProvider.System;
        _slots = new Slot[totalBlocks];
        _tokens = new int[checked(totalBlocks * blockSize)];
        _index = new Dictionary<BlockHash, int>(totalBlocks);
        _history = new ReuseHistory(totalBlocks);
        _evictable = new EvictionOrder(totalBlocks, options.Eviction, _history, options.Prefill, blockSize);
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

    /// <summary>Blocks that <see cref="TryAllocate"/> can give: every cached one that is not pinned can be evicted, leaves first.</summary>
    public int AvailableBlocks => FreeBlocks + CachedBlocks - _pinnedCached;

    /// <summary>
    /// Appends to a table what is held of a chain behind the table's blocks, and holds it. Token ids are compared on every
    /// hit, so a hash collision is a miss. The table is empty, or all of it is published blocks of the chain.
    /// </summary>
    /// <param name="chain">Block hashes, first block first.</param>
    /// <param name="tokens">The tokens those hashes were made of.</param>
    public void Acquire(ReadOnlySpan<BlockHash> chain, ReadOnlySpan<int> tokens, BlockTable table)
    {
        if (table.Count > 0 && (table.Count > chain.Length || _slots[table[table.Count - 1].Value].Hash != chain[table.Count - 1]))
        {
            // The table's last block collided with another: what answers for its hash is not what the table holds.
            return;
        }

        for (int i = table.Count; i < chain.Length && TryFind(chain[i], TokensOf(tokens, i), out int block); i++)
        {
            Hold(block);
            _slots[block].Hits++;
            table.Add(new BlockId(block));
            table.Known = table.Count;
        }
    }

    /// <summary>How many blocks of a chain are held, and how many of those are available: acquiring makes these unavailable.</summary>
    public (int Held, int Cached) Measure(ReadOnlySpan<BlockHash> chain)
    {
        int held = 0;
        int available = 0;
        while (held < chain.Length && _index.TryGetValue(chain[held], out int block))
        {
            held++;
            available += _slots[block] is { Holders: 0, Pins: 0 } ? 1 : 0;
        }

        return (held, available);
    }

    /// <summary>Appends <paramref name="count"/> private blocks to the table, evicting if it must; all of them or none.</summary>
    public bool TryAllocate(int count, BlockTable table)
    {
        if (count > FreeBlocks)
        {
            ExpirePins();
        }

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
        slot.Depth = index;
        if (_history.Recall(hash))
        {
            table.Known = Math.Max(table.Known, index + 1);
        }

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
        int published = table.Count;
        while (published > 0 && _slots[table[published - 1].Value].Hash is null)
        {
            published--;
        }

        // Last block first, so that within one release leaves are the least recently used.
        for (int i = table.Count - 1; i >= 0; i--)
        {
            if (i < published)
            {
                _slots[table[i].Value].Kind = ReuseHistory.KindOf(table.Known, published, last: i == published - 1);
            }

            ReleaseBlock(table[i].Value);
        }

        table.Clear();
    }

    private bool TryFind(BlockHash hash, ReadOnlySpan<int> tokens, out int block) =>
        _index.TryGetValue(hash, out block) && tokens.SequenceEqual(Tokens(block));

    private ReadOnlySpan<int> TokensOf(ReadOnlySpan<int> tokens, int index) => tokens.Slice(index * BlockSize, BlockSize);

    private Span<int> Tokens(int block) => _tokens.AsSpan(block * BlockSize, BlockSize);

    private void Hold(int block)
    {
        ref var slot = ref _slots[block];
        if (slot.Holders++ == 0)
        {
            _evictable.Remove(block);
            _history.Reused(slot.Kind, counts: slot.Children <= 1);
            _pinnedCached -= slot.Pins > 0 ? 1 : 0;
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
        _pinnedCached += slot.Pins > 0 ? 1 : 0;
        _history.Released(slot.Kind);
        slot.LastUse = ++_clock;
        AddIfLeaf(block);
    }

    private void EvictOne()
    {
        int block = _evictable.Least(_clock);
        _evictable.Remove(block);
        ref var slot = ref _slots[block];
        _index.Remove(slot.Hash!.Value);
        _history.Evicted(slot.Hash.Value, slot.Kind);
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
        if (slot.IsLeaf)
        {
            _evictable.Add(block, slot.LastUse, slot.Kind, slot.Hits, slot.Depth);
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Slot
    {
        /// <summary>Sequences that hold the block; 0 is free or cached.</summary>
        public int Holders;

        /// <summary>Set while the block answers for its hash.</summary>
        public BlockHash? Hash;

        /// <summary>Pins whose chain the block is of.</summary>
        public int Pins;

        public int Parent;

        /// <summary>Blocks before it in its chain.</summary>
        public int Depth;

        /// <summary>Published blocks whose parent this is.</summary>
        public int Children;

        public long LastUse;

        /// <summary>Sequences that took it over from others.</summary>
        public int Hits;

        /// <summary>What <see cref="ReuseHistory"/> tells blocks apart by: set by the last that let go of it.</summary>
        public int Kind;

        /// <summary>Whether it can be evicted.</summary>
        public readonly bool IsLeaf => this is { Holders: 0, Hash: not null, Children: 0, Pins: 0 };
    }
}
