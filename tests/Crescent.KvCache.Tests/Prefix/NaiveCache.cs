using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>
/// What the prefix cache should do, written for clarity: a block's identity is the text of everything before and in
/// it, and every question is answered by looking at all blocks. Block ids are told to it, everything else it predicts.
/// </summary>
internal sealed class NaiveCache(int totalBlocks, int blockSize, PrefixCacheOptions options)
{
    private readonly Dictionary<string, Node> _nodes = [];
    private readonly List<NaivePin> _pins = [];
    private readonly NaiveHistory _history = new(totalBlocks);
    private int _private;
    private int _clock;

    public int Cached => _nodes.Values.Count(node => node.Holders == 0);

    public int Active => _private + _nodes.Values.Count(node => node.Holders > 0);

    public int Free => totalBlocks - Cached - Active;

    public int Pinned => _pins.SelectMany(pin => pin.Paths).Distinct().Count();

    public int Available => Free + _nodes.Count(node => node.Value.Holders == 0 && !IsPinned(node.Key));

    /// <summary>Identities of all blocks that answer.</summary>
    public IEnumerable<string> Published => _nodes.Keys;

    public IEnumerable<int> CachedIds => _nodes.Values.Where(node => node.Holders == 0).Select(node => node.Block);

    public IEnumerable<string> PinnedPaths => _pins.SelectMany(pin => pin.Paths);

    /// <param name="root">Spells everything outside the tokens that keeps chains apart.</param>
    public string PathOf(string root, ReadOnlySpan<int> tokens, int blocks) => $"{root}:{string.Join(',', tokens[..(blocks * blockSize)].ToArray())}";

    /// <summary>Blocks that acquiring gives behind those that are there, in order.</summary>
    public List<int> Acquire(string[] paths, int from)
    {
        var held = paths.Skip(from).TakeWhile(_nodes.ContainsKey).ToList();
        foreach (string path in held)
        {
            Hold(path);
            _nodes[path].Hits++;
        }

        return held.ConvertAll(path => _nodes[path].Block);
    }

    public (int Held, int Available) Measure(string[] paths)
    {
        var held = paths.TakeWhile(_nodes.ContainsKey).ToList();
        return (held.Count, held.Count(path => _nodes[path].Holders == 0 && !IsPinned(path)));
    }

    /// <summary>Whether so many blocks can be had; if so, they are taken and what has to go is evicted.</summary>
    public bool TryAllocate(int count)
    {
        if (count > Available)
        {
            return false;
        }

        while (Free < count)
        {
            var (path, node) = _nodes.Where(node => IsLeaf(node.Key, node.Value)).MinBy(leaf => (Worth(leaf.Value), leaf.Value.LastUse));
            _nodes.Remove(path);
            _history.Evicted(path, node.Kind);
        }

        _private += count;
        return true;
    }

    /// <summary>The block that the publisher holds from now on, and whether it was evicted not long ago.</summary>
    public (int Block, bool Recalled) Publish(string path, string? parent, int block, int depth)
    {
        _private--;
        if (_nodes.ContainsKey(path))
        {
            Hold(path);
            return (_nodes[path].Block, false);
        }

        _nodes.Add(path, new Node(block, parent, depth) { Holders = 1 });
        return (block, _history.Recall(path));
    }

    /// <param name="published">Identities of the published blocks of one table, first block first.</param>
    /// <param name="known">So many of them were known before.</param>
    /// <param name="unpublished">Its other blocks.</param>
    public void Release(string[] published, int known, int unpublished)
    {
        _private -= unpublished;
        for (int i = published.Length - 1; i >= 0; i--)
        {
            var node = _nodes[published[i]];
            double share = (double)known / published.Length;
            int quarter = share < 0.15 ? 0 : share < 0.5 ? 1 : share < 0.8 ? 2 : 3;
            node.Kind = (2 * quarter) + (i == published.Length - 1 ? 1 : 0);
            if (--node.Holders == 0)
            {
                node.LastUse = ++_clock;
                _history.Released(node.Kind);
            }
        }
    }

    public PinOutcome TryPin(PinId id, string[] paths, PinTerms terms, DateTimeOffset now)
    {
        if (!paths.All(_nodes.ContainsKey))
        {
            return PinOutcome.NotHeld;
        }

        int most = (int)(totalBlocks * options.PinnableShare);
        var staying = _pins.Where(pin => pin.Terms.Priority <= terms.Priority).ToList();
        bool Fits(List<NaivePin> pins) => pins.Count < options.MaxPins && pins.SelectMany(pin => pin.Paths).Concat(paths).Distinct().Count() <= most;
        if (!Fits(staying))
        {
            return PinOutcome.OverLimit;
        }

        while (!Fits(_pins))
        {
            _pins.Remove(_pins.Except(staying).OrderByDescending(pin => pin.Terms.Priority).ThenBy(pin => pin.Expiry).ThenBy(pin => pin.Id.Value).First());
        }

        _pins.Add(new NaivePin(id, paths, terms) { Expiry = now + terms.Lease, Pending = terms.PendingConsumers });
        return PinOutcome.Pinned;
    }

    public bool Unpin(PinId id) => _pins.RemoveAll(pin => pin.Id == id) > 0;

    public bool RenewPin(PinId id, TimeSpan lease, DateTimeOffset now)
    {
        var pin = _pins.Find(pin => pin.Id == id);
        if (pin is not null)
        {
            pin.Expiry = now + lease;
        }

        return pin is not null;
    }

    public void ExpirePins(DateTimeOffset now) => _pins.RemoveAll(pin => pin.Expiry <= now);

    /// <param name="held">Identities of the published blocks of a new sequence's table.</param>
    public void Consumed(string[] held) =>
        _pins.RemoveAll(pin => pin.Pending > 0 && held.Contains(pin.Paths[^1]) && --pin.Pending == 0);

    private bool IsPinned(string path) => _pins.Any(pin => pin.Paths.Contains(path));

    private int ChildrenOf(string path) => _nodes.Values.Count(child => child.Parent == path);

    private bool IsLeaf(string path, Node node) => node.Holders == 0 && ChildrenOf(path) == 0 && !IsPinned(path);

    private void Hold(string path)
    {
        if (_nodes[path].Holders++ == 0)
        {
            _history.Reused(_nodes[path].Kind, counts: ChildrenOf(path) <= 1);
        }
    }

    private double Worth(Node node)
    {
        int hits = node.Hits == 0 ? 0 : Math.Min(64, 1 << (int)Math.Log2(node.Hits));
        double first = options.Prefill.Seconds(0, blockSize);
        double ratio = options.Prefill.Seconds(node.Depth * blockSize, blockSize) / first;
        double seconds = first * Math.Pow(2, Math.Min(7, (int)(2 * Math.Log2(ratio))) / 2.0);
        return options.Eviction.Worth(new BlockUse(_clock - node.LastUse + 1, _history.Rate(node.Kind), hits, seconds));
    }

    private sealed record Node(int Block, string? Parent, int Depth)
    {
        public int Holders { get; set; }

        public int LastUse { get; set; }

        public int Hits { get; set; }

        public int Kind { get; set; }
    }

    private sealed record NaivePin(PinId Id, string[] Paths, PinTerms Terms)
    {
        public DateTimeOffset Expiry { get; set; }

        public int Pending { get; set; }
    }
}

/// <summary>How often blocks of a kind are used again, of all that happened to them.</summary>
internal sealed class NaiveHistory(int totalBlocks)
{
    private readonly List<(string Path, int Kind)?> _evicted = [];
    private readonly double[] _reused = new double[8];
    private readonly double[] _forgotten = new double[8];
    private readonly int[] _cached = new int[8];
    private double[] _rates = [.. Enumerable.Repeat(0.5, 8)];
    private int _released;

    public double Rate(int kind) => _rates[kind];

    public void Released(int kind)
    {
        _cached[kind]++;
        if (++_released % Math.Max(64, totalBlocks / 16) == 0)
        {
            Learn();
        }
    }

    public void Reused(int kind, bool counts)
    {
        _cached[kind]--;
        _reused[kind] += counts ? 1 : 0;
    }

    public void Evicted(string path, int kind)
    {
        _cached[kind]--;
        _evicted.Add((path, kind));
        if (_evicted.Count > 2 * totalBlocks && _evicted[^((2 * totalBlocks) + 1)] is { } forgotten)
        {
            _forgotten[forgotten.Kind]++;
            _evicted[^((2 * totalBlocks) + 1)] = null;
        }
    }

    public bool Recall(string path)
    {
        int index = _evicted.FindIndex(evicted => evicted?.Path == path);
        if (index < 0)
        {
            return false;
        }

        _reused[_evicted[index]!.Value.Kind]++;
        _evicted[index] = null;
        return true;
    }

    private void Learn()
    {
        var open = Enumerable.Range(0, 8).Select(kind => _cached[kind] + _evicted.Count(evicted => evicted?.Kind == kind)).ToArray();
        double mean = (_reused.Sum() + 1) / (_reused.Sum() + _forgotten.Sum() + open.Sum() + 2);
        _rates = [.. Enumerable.Range(0, 8).Select(kind =>
            (_reused[kind] + (20 * mean)) / (_reused[kind] + _forgotten[kind] + open[kind] + 20))];
        for (int kind = 0; kind < 8; kind++)
        {
            _reused[kind] *= 0.99;
            _forgotten[kind] *= 0.99;
        }
    }
}
