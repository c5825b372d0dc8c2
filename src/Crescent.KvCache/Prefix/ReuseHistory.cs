namespace Crescent.KvCache.Prefix;

/// <summary>
/// How often blocks are used again, learned from those that were. Blocks are told apart by what their last user did: how
/// much of its chain was known before (a conversation that went on goes on again more often than a new one), and whether
/// they end it. Hashes of evicted blocks are remembered for two pools' worth of evictions: a block that comes back then
/// counts as used again, and as known. All memory is there from the start; old observations fade.
/// </summary>
/// <param name="blocks">Blocks of the pool.</param>
internal sealed class ReuseHistory(int blocks)
{
    /// <summary>Kinds of blocks: four shares of the chain that was known, times whether the block ends it.</summary>
    public const int Kinds = 8;

    /// <summary>Observations of the mean over all kinds that each kind begins with.</summary>
    private const double Prior = 20;

    private const double Fade = 0.99;

    private readonly double[] _reused = new double[Kinds];
    private readonly double[] _forgotten = new double[Kinds];

    /// <summary>Blocks that are cached or remembered: how they end is not known yet.</summary>
    private readonly int[] _open = new int[Kinds];

    private readonly double[] _rates = Enumerable.Repeat(0.5, Kinds).ToArray();
    private readonly int _interval = Math.Max(64, blocks / 16);

    /// <summary>A ring; an entry whose hash has another place, or none, is empty.</summary>
    private readonly (BlockHash Hash, int Kind)[] _evicted = new (BlockHash, int)[2 * blocks];
    private readonly Dictionary<BlockHash, int> _places = new(2 * blocks);
    private int _next;
    private int _released;

    public static int KindOf(int known, int published, bool last)
    {
        double share = (double)known / published;
        return (share < 0.15 ? 0 : share < 0.5 ? 2 : share < 0.8 ? 4 : 6) + (last ? 1 : 0);
    }

    /// <summary>Share of this kind of blocks that were used again.</summary>
    public double Rate(int kind) => _rates[kind];

    /// <summary>A block became cached.</summary>
    public void Released(int kind)
    {
        _open[kind]++;
        if (++_released == _interval)
        {
            _released = 0;
            Learn();
        }
    }

    /// <summary>A cached block was used.</summary>
    /// <param name="counts">Not for a block with several children, which is used all the time and never the next to go.</param>
    public void Reused(int kind, bool counts)
    {
        _open[kind]--;
        _reused[kind] += counts ? 1 : 0;
    }

    /// <summary>A cached block was evicted; the one evicted longest ago is forgotten for it.</summary>
    public void Evicted(BlockHash hash, int kind)
    {
        var (oldest, oldestKind) = _evicted[_next];
        if (_places.TryGetValue(oldest, out int place) && place == _next)
        {
            _places.Remove(oldest);
            _open[oldestKind]--;
            _forgotten[oldestKind]++;
        }

        _evicted[_next] = (hash, kind);
        _places[hash] = _next;
        _next = (_next + 1) % _evicted.Length;
    }

    /// <summary>A block is computed.</summary>
    /// <returns>Whether it was evicted not long ago.</returns>
    public bool Recall(BlockHash hash)
    {
        if (!_places.Remove(hash, out int place))
        {
            return false;
        }

        int kind = _evicted[place].Kind;
        _open[kind]--;
        _reused[kind]++;
        return true;
    }

    /// <summary>Blocks whose end is not known; for <see cref="PrefixCache.CheckIntegrity"/>.</summary>
    public int Open => _open.Sum();

    public int Remembered => _places.Count;

    private void Learn()
    {
        double used = _reused.Sum();
        double mean = (used + 1) / (used + _forgotten.Sum() + _open.Sum() + 2);
        for (int kind = 0; kind < Kinds; kind++)
        {
            double seen = _reused[kind] + _forgotten[kind] + _open[kind];
            _rates[kind] = (_reused[kind] + (Prior * mean)) / (seen + Prior);
            _reused[kind] *= Fade;
            _forgotten[kind] *= Fade;
        }
    }
}
