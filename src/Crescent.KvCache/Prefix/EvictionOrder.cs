using System.Numerics;

namespace Crescent.KvCache.Prefix;

/// <summary>
/// The blocks that can be evicted. Blocks that a policy can tell apart by their age alone form a group, so that only the
/// oldest of each group needs to be looked at. A group is a pairing heap, least recently used first, through links that
/// all groups share: any block can be taken out, and all memory is there from the start.
/// </summary>
/// <param name="blocks">Block indices are below this.</param>
internal sealed class EvictionOrder(int blocks, IEvictionPolicy policy, ReuseHistory history, PrefillCost cost, int blockSize)
{
    private const int None = -1;
    private const int HitSteps = 8;
    private const int CostSteps = 8;
    private const int Groups = ReuseHistory.Kinds * HitSteps * CostSteps;

    private readonly long[] _lastUse = new long[blocks];
    private readonly int[] _groups = Filled(blocks);

    // A block's first child, next sibling, and previous sibling; the first child's previous is the parent.
    private readonly int[] _child = Filled(blocks);
    private readonly int[] _next = Filled(blocks);
    private readonly int[] _previous = Filled(blocks);

    private readonly int[] _first = Filled(Groups);
    private readonly ulong[] _occupied = new ulong[Groups / 64];
    private readonly double _shallowest = cost.Seconds(0, blockSize);

    public bool Contains(int block) => _groups[block] != None;

    /// <param name="block">One that is not there.</param>
    /// <param name="lastUse">Different for each block.</param>
    /// <param name="kind">As <see cref="ReuseHistory"/> tells blocks apart.</param>
    /// <param name="hits">How often it was used again.</param>
    /// <param name="depth">Blocks before it in its chain.</param>
    public void Add(int block, long lastUse, int kind, int hits, int depth)
    {
        int hitStep = Math.Min(HitSteps - 1, BitOperations.Log2((uint)hits) + (hits > 0 ? 1 : 0));
        double ratio = cost.Seconds((long)depth * blockSize, blockSize) / _shallowest;
        int costStep = (int)Math.Min(CostSteps - 1, 2 * Math.Log2(ratio));
        int group = (((kind * HitSteps) + hitStep) * CostSteps) + costStep;
        _lastUse[block] = lastUse;
        _groups[block] = group;
        _first[group] = Meld(_first[group], block);
        _occupied[group / 64] |= 1UL << (group % 64);
    }

    /// <summary>Does nothing when the block is not there.</summary>
    public void Remove(int block)
    {
        int group = _groups[block];
        if (group == None)
        {
            return;
        }

        int rest = MeldChildren(block);
        if (_first[group] == block)
        {
            _first[group] = rest;
            if (rest == None)
            {
                _occupied[group / 64] &= ~(1UL << (group % 64));
            }
        }
        else
        {
            CutOut(block);
            _first[group] = Meld(_first[group], rest);
        }

        _groups[block] = None;
    }

    /// <summary>The block that is worth least; there must be one.</summary>
    /// <param name="now">Not before any block's last use.</param>
    public int Least(long now)
    {
        int least = None;
        double leastWorth = 0;
        for (int word = 0; word < _occupied.Length; word++)
        {
            for (ulong left = _occupied[word]; left != 0; left &= left - 1)
            {
                int group = (word * 64) + BitOperations.TrailingZeroCount(left);
                int block = _first[group];
                double worth = policy.Worth(UseOf(group, now - _lastUse[block] + 1));
                if (least == None || worth < leastWorth || (worth == leastWorth && _lastUse[block] < _lastUse[least]))
                {
                    (least, leastWorth) = (block, worth);
                }
            }
        }

        return least != None ? least : throw new InvalidOperationException("no block can be evicted");
    }

    private static int[] Filled(int count)
    {
        var array = new int[count];
        Array.Fill(array, None);
        return array;
    }

    private BlockUse UseOf(int group, long age)
    {
        int hitStep = group / CostSteps % HitSteps;
        double seconds = _shallowest * Math.Pow(2, group % CostSteps / 2.0);
        return new BlockUse(age, history.Rate(group / (CostSteps * HitSteps)), hitStep == 0 ? 0 : 1 << (hitStep - 1), seconds);
    }

    /// <summary>Makes one heap of two; the roots have no siblings. None is an empty heap.</summary>
    private int Meld(int a, int b)
    {
        if (a == None || b == None)
        {
            return a == None ? b : a;
        }

        if (_lastUse[b] < _lastUse[a])
        {
            (a, b) = (b, a);
        }

        _next[b] = _child[a];
        if (_child[a] != None)
        {
            _previous[_child[a]] = b;
        }

        _previous[b] = a;
        _child[a] = b;
        return a;
    }

    /// <summary>Takes a block with all that hangs on it out of its parent's children.</summary>
    private void CutOut(int block)
    {
        int previous = _previous[block];
        if (_child[previous] == block)
        {
            _child[previous] = _next[block];
        }
        else
        {
            _next[previous] = _next[block];
        }

        if (_next[block] != None)
        {
            _previous[_next[block]] = previous;
        }

        _next[block] = None;
        _previous[block] = None;
    }

    /// <summary>Takes a block's children from it and makes one heap of them: in pairs first, then the pairs from the last on.</summary>
    private int MeldChildren(int block)
    {
        int pairs = None;
        for (int child = _child[block]; child != None;)
        {
            int second = _next[child];
            int following = second == None ? None : _next[second];
            int pair = Meld(Alone(child), Alone(second));
            _next[pair] = pairs;
            pairs = pair;
            child = following;
        }

        _child[block] = None;
        int heap = None;
        while (pairs != None)
        {
            int following = _next[pairs];
            heap = Meld(heap, Alone(pairs));
            pairs = following;
        }

        return heap;
    }

    private int Alone(int block)
    {
        if (block != None)
        {
            _next[block] = None;
            _previous[block] = None;
        }

        return block;
    }
}
