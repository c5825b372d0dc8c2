using Crescent.KvCache.Prefix;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>The prefix cache against <see cref="NaiveCache"/>, compared after every one of many random operations.</summary>
public class RandomOperationsTests
{
    /// <summary>100,000 operations in the full form, 6,000 in the usual one; each seed has its own pool, policy and options.</summary>
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, LongProofs.Count(usual: 6, full: 100))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Does_what_the_naive_cache_does_after_any_operations(int seed)
    {
        var run = new RandomOperations(seed);
        for (int operation = 0; operation < 1000; operation++)
        {
            run.Step();
            run.AssertEqual();
        }

        run.ReleaseAll();
        run.AssertEqual();
    }

    [Fact]
    public void The_random_operations_reach_what_they_are_meant_to_test()
    {
        var runs = Enumerable.Range(1, 6).Select(seed => new RandomOperations(seed)).ToList();
        foreach (var run in runs)
        {
            for (int operation = 0; operation < 2000; operation++)
            {
                run.Step();
            }
        }

        Assert.InRange(runs.Sum(run => run.Hits), 600, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.Swaps), 15, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.TakenOver), 10, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.Refusals), 100, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.Evictions), 500, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.Pins), 300, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.PinsRefused), 60, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.PinsEnded), 200, int.MaxValue);
    }
}

/// <summary>Sequences of several roots over a tiny vocabulary, so that they share prefixes, and a pool that is too small for them.</summary>
internal sealed class RandomOperations
{
    private const int LongestChain = 5;
    private const int MostHolders = 6;
    private static readonly string[] Tenants = ["a", "a", "b", "c"];
    private static readonly IEvictionPolicy[] Policies = [new CostEviction(), new LruEviction(), new LfuEviction()];
    private static readonly PrefillCost[] Costs = [PrefillCost.Flat, new(1, 0.5), new(1, 100)];

    private readonly Random _random;
    private readonly PrefixCache _cache;
    private readonly NaiveCache _naive;
    private readonly PrefixRoots _roots;
    private readonly List<Holder> _holders = [];
    private readonly Dictionary<string, BlockHash[]> _chains = [];
    private readonly ManualTime _time = new();
    private readonly List<PinId> _pins = [];

    public RandomOperations(int seed)
    {
        _random = new Random(seed);
        int blockSize = _random.Next(1, 4);
        int totalBlocks = _random.Next(6, 24);
        var options = new PrefixCacheOptions
        {
            Eviction = Policies[seed % Policies.Length],
            Prefill = Costs[seed / Policies.Length % Costs.Length],
            PinnableShare = 0.4,
            MaxPins = 5,
        };
        _cache = new PrefixCache(totalBlocks, blockSize, options, _time);
        _naive = new NaiveCache(totalBlocks, blockSize, options);
        _roots = new PrefixRoots(new byte[32], blockSize, "test", new byte[32]);
    }

    public int Hits { get; private set; }

    public int Swaps { get; private set; }

    public int Refusals { get; private set; }

    public int Evictions { get; private set; }

    public int TakenOver { get; private set; }

    public int Pins { get; private set; }

    public int PinsRefused { get; private set; }

    public int PinsEnded { get; private set; }

    public void Step()
    {
        if (_holders.Count == 0 || (_holders.Count < MostHolders && _random.Next(4) == 0))
        {
            Start();
            return;
        }

        var holder = _holders[_random.Next(_holders.Count)];
        switch (_random.Next(11))
        {
            case 8:
                TakeOver(holder);
                break;
            case 9:
                Pin(holder);
                break;
            case 10:
                ChangePins();
                break;

            case < 4 when holder.Prompt.Table.Count < holder.Paths.Length:
                Allocate(holder);
                break;
            case < 7 when holder.Published < holder.Prompt.Table.Count:
                Publish(holder);
                break;
            case 7:
                Release(holder);
                break;
            default:
                break;
        }
    }

    public void ReleaseAll()
    {
        while (_holders.Count > 0)
        {
            Release(_holders[0]);
        }
    }

    public void AssertEqual()
    {
        _cache.CheckIntegrity();
        Assert.Equal(_cache.TotalBlocks, _cache.FreeBlocks + _cache.CachedBlocks + _cache.ActiveBlocks);
        Assert.Equal((_naive.Free, _naive.Cached, _naive.Active), (_cache.FreeBlocks, _cache.CachedBlocks, _cache.ActiveBlocks));
        Assert.Equal((_naive.Available, _naive.Pinned), (_cache.AvailableBlocks, _cache.PinnedBlocks));
        Assert.Subset(_naive.Published.ToHashSet(), _naive.PinnedPaths.ToHashSet());
        foreach (var pair in _holders.SelectMany(one => _holders.Select(other => (one, other))).Where(pair => pair.one.Tenant != pair.other.Tenant))
        {
            Assert.Empty(pair.one.Prompt.Blocks.Intersect(pair.other.Prompt.Blocks));
        }

        foreach (string path in _naive.Published)
        {
            Assert.Equal(_chains[path].Length, _cache.Measure(_chains[path]).Held);
        }

        foreach (var holder in _holders)
        {
            Assert.Equal(_naive.Measure(holder.Paths), _cache.Measure(holder.Prompt.Chain));
        }
    }

    private void Start()
    {
        string tenant = Tenants[_random.Next(Tenants.Length)];
        var tokens = new int[_random.Next(1, LongestChain + 1) * _cache.BlockSize];
        for (int i = 0; i < tokens.Length; i++)
        {
            tokens[i] = _random.Next(4) == 0 ? 1 : 0;
        }

        var prompt = new Prompt(_cache, _roots.For(tenant, null), tokens);
        var paths = new string[prompt.Chain.Length];
        for (int i = 0; i < paths.Length; i++)
        {
            paths[i] = _naive.PathOf(tenant, tokens, i + 1);
            _chains[paths[i]] = prompt.Chain[..(i + 1)];
        }

        var expected = _naive.Acquire(paths, from: 0);
        prompt.Acquire();
        Assert.Equal(expected, prompt.Blocks);
        Hits += expected.Count;
        _holders.Add(new Holder(tenant, prompt, paths) { Published = expected.Count, Known = expected.Count });
        _cache.Consumed(prompt.Table);
        _naive.Consumed(paths[..expected.Count]);
    }

    /// <summary>A sequence without private blocks goes on behind what others have published.</summary>
    private void TakeOver(Holder holder)
    {
        if (holder.Published < holder.Prompt.Table.Count)
        {
            return;
        }

        var expected = _naive.Acquire(holder.Paths, holder.Published);
        var before = holder.Prompt.Blocks;

        holder.Prompt.Acquire();

        Assert.Equal([.. before, .. expected], holder.Prompt.Blocks);
        TakenOver += expected.Count;
        holder.Published += expected.Count;
        holder.Known = expected.Count > 0 ? holder.Published : holder.Known;
    }

    private void Pin(Holder holder)
    {
        int length = _random.Next(1, holder.Paths.Length + 1);
        var terms = new PinTerms(TimeSpan.FromSeconds(_random.Next(1, 20)), _random.Next(-1, 2), _random.Next(3));
        _naive.ExpirePins(_time.GetUtcNow());

        var outcome = _cache.TryPin(holder.Prompt.Chain.AsSpan(0, length), holder.Prompt.Tokens, terms, out var pin);

        Assert.Equal(_naive.TryPin(pin, holder.Paths[..length], terms, _time.GetUtcNow()), outcome);
        Pins += outcome == PinOutcome.Pinned ? 1 : 0;
        PinsRefused += outcome == PinOutcome.OverLimit ? 1 : 0;
        _pins.Add(pin);
    }

    private void ChangePins()
    {
        int before = _cache.Pins;
        var pin = new PinId(_random.Next(_pins.Count + 1));
        switch (_random.Next(4))
        {
            case 0:
                Assert.Equal(_naive.Unpin(pin), _cache.Unpin(pin));
                break;
            case 1:
                _naive.ExpirePins(_time.GetUtcNow());
                var lease = TimeSpan.FromSeconds(_random.Next(1, 20));
                Assert.Equal(_naive.RenewPin(pin, lease, _time.GetUtcNow()), _cache.RenewPin(pin, lease));
                break;
            default:
                _time.Advance(TimeSpan.FromSeconds(_random.Next(1, 10)));
                _naive.ExpirePins(_time.GetUtcNow());
                _cache.ExpirePins();
                break;
        }

        PinsEnded += before - _cache.Pins;
    }

    private void Allocate(Holder holder)
    {
        int count = _random.Next(1, holder.Paths.Length - holder.Prompt.Table.Count + 1);
        var before = holder.Prompt.Blocks;
        int cached = _naive.Cached;
        bool expected = _naive.TryAllocate(count);

        Assert.Equal(expected, _cache.TryAllocate(count, holder.Prompt.Table));

        Refusals += expected ? 0 : 1;
        Evictions += cached - _naive.Cached;
        Assert.Equal(before, holder.Prompt.Blocks[..before.Length]);
        Assert.Equal(before.Length + (expected ? count : 0), holder.Prompt.Table.Count);
        var taken = holder.Prompt.Blocks[before.Length..];
        var others = _holders.Where(other => other != holder).SelectMany(other => other.Prompt.Blocks).Concat(before).Concat(_naive.CachedIds);
        Assert.Equal(taken.Length, taken.Distinct().Count());
        Assert.Empty(taken.Intersect(others));
    }

    private void Publish(Holder holder)
    {
        int index = holder.Published++;
        int own = holder.Prompt.Blocks[index];
        var (expected, recalled) = _naive.Publish(holder.Paths[index], index == 0 ? null : holder.Paths[index - 1], own, index);
        holder.Known = recalled ? Math.Max(holder.Known, index + 1) : holder.Known;

        holder.Prompt.Publish(index);

        Swaps += expected == own ? 0 : 1;
        Assert.Equal(expected, holder.Prompt.Blocks[index]);
    }

    private void Release(Holder holder)
    {
        _naive.Release(holder.Paths[..holder.Published], holder.Known, holder.Prompt.Table.Count - holder.Published);
        holder.Prompt.Release();
        Assert.Equal(0, holder.Prompt.Table.Count);
        _holders.Remove(holder);
    }

    private sealed record Holder(string Tenant, Prompt Prompt, string[] Paths)
    {
        public int Published { get; set; }

        /// <summary>Blocks from the first on that others had computed before.</summary>
        public int Known { get; set; }
    }
}
