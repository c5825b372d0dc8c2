namespace Crescent.KvCache.Prefix;

/// <summary>
/// The blocks that can be evicted, least recently used first: a binary heap in which a block's place is known, so that
/// any of them can be taken out. All memory is there from the start.
/// </summary>
/// <param name="blocks">Block indices are below this.</param>
internal sealed class EvictionOrder(int blocks)
{
    private readonly int[] _heap = new int[blocks];
    private readonly long[] _lastUse = new long[blocks];

    /// <summary>Per block its index in the heap, plus one; 0 when it is not there.</summary>
    private readonly int[] _places = new int[blocks];

    private int _count;

    /// <summary>The least recently used; there must be one.</summary>
    public int First => _count > 0 ? _heap[0] : throw new InvalidOperationException("no block can be evicted");

    public bool Contains(int block) => _places[block] != 0;

    /// <param name="block">One that is not there.</param>
    /// <param name="lastUse">Of two that are equal the block with the lower index is first.</param>
    public void Add(int block, long lastUse)
    {
        _lastUse[block] = lastUse;
        SiftUp(block, _count++);
    }

    /// <summary>Does nothing when the block is not there.</summary>
    public void Remove(int block)
    {
        int at = _places[block] - 1;
        if (at < 0)
        {
            return;
        }

        _places[block] = 0;
        int last = _heap[--_count];
        if (last != block)
        {
            SiftDown(last, at);
            SiftUp(last, _places[last] - 1);
        }
    }

    private bool Before(int a, int b) => _lastUse[a] < _lastUse[b] || (_lastUse[a] == _lastUse[b] && a < b);

    private void SiftUp(int block, int at)
    {
        for (int parent = (at - 1) / 2; at > 0 && Before(block, _heap[parent]); parent = (at - 1) / 2)
        {
            Put(_heap[parent], at);
            at = parent;
        }

        Put(block, at);
    }

    private void SiftDown(int block, int at)
    {
        for (int child = (2 * at) + 1; child < _count; child = (2 * at) + 1)
        {
            if (child + 1 < _count && Before(_heap[child + 1], _heap[child]))
            {
                child++;
            }

            if (!Before(_heap[child], block))
            {
                break;
            }

            Put(_heap[child], at);
            at = child;
        }

        Put(block, at);
    }

    private void Put(int block, int at)
    {
        _heap[at] = block;
        _places[block] = at + 1;
    }
}
