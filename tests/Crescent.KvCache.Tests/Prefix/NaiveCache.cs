namespace Crescent.KvCache.Tests.Prefix;

/// <summary>
/// What the prefix cache should do, written for clarity: a block's identity is the text of everything before and in
/// it, and every question is answered by looking at all blocks. Block ids are told to it, everything else it predicts.
/// </summary>
internal sealed class NaiveCache(int totalBlocks, int blockSize)
{
    private readonly Dictionary<string, Node> _nodes = [];
    private int _private;
    private int _clock;

    public int Cached => _nodes.Values.Count(node => node.Holders == 0);

    public int Active => _private + _nodes.Values.Count(node => node.Holders > 0);

    public int Free => totalBlocks - Cached - Active;

    /// <summary>Identities of all blocks that answer.</summary>
    public IEnumerable<string> Published => _nodes.Keys;

    public IEnumerable<int> CachedIds => _nodes.Values.Where(node => node.Holders == 0).Select(node => node.Block);

    /// <param name="root">Spells everything outside the tokens that keeps chains apart.</param>
    public string PathOf(string root, ReadOnlySpan<int> tokens, int blocks) => $"{root}:{string.Join(',', tokens[..(blocks * blockSize)].ToArray())}";

    /// <summary>Blocks that acquiring gives, in order.</summary>
    public List<int> Acquire(string[] paths)
    {
        var held = paths.TakeWhile(_nodes.ContainsKey).ToList();
        held.ForEach(path => _nodes[path].Holders++);
        return held.ConvertAll(path => _nodes[path].Block);
    }

    public (int Held, int Cached) Measure(string[] paths)
    {
        var held = paths.TakeWhile(_nodes.ContainsKey).ToList();
        return (held.Count, held.Count(path => _nodes[path].Holders == 0));
    }

    /// <summary>Whether so many blocks can be had; if so, they are taken and what has to go is evicted.</summary>
    public bool TryAllocate(int count)
    {
        if (count > Free + Cached)
        {
            return false;
        }

        while (Free < count)
        {
            var leaves = _nodes.Where(node => node.Value.Holders == 0 && !_nodes.Values.Any(child => child.Parent == node.Key));
            _nodes.Remove(leaves.MinBy(leaf => leaf.Value.LastUse).Key);
        }

        _private += count;
        return true;
    }

    /// <summary>The block that the publisher holds from now on.</summary>
    public int Publish(string path, string? parent, int block)
    {
        _private--;
        if (!_nodes.TryGetValue(path, out var node))
        {
            _nodes.Add(path, node = new Node(block, parent));
        }

        node.Holders++;
        return node.Block;
    }

    /// <param name="published">Identities of the published blocks of one table, first block first.</param>
    /// <param name="unpublished">Its other blocks.</param>
    public void Release(IEnumerable<string> published, int unpublished)
    {
        _private -= unpublished;
        foreach (string path in published.Reverse())
        {
            if (--_nodes[path].Holders == 0)
            {
                _nodes[path].LastUse = ++_clock;
            }
        }
    }

    private sealed record Node(int Block, string? Parent)
    {
        public int Holders { get; set; }

        public int LastUse { get; set; }
    }
}
