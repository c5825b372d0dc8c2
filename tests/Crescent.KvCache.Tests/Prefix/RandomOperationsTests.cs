using Crescent.KvCache.Prefix;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>The prefix cache against <see cref="NaiveCache"/>, compared after every one of many random operations.</summary>
public class RandomOperationsTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, LongProofs.Count(usual: 24, full: 400))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Does_what_the_naive_cache_does_after_any_operations(int seed)
    {
        var run = new RandomOperations(seed);
        for (int operation = 0; operation < 600; operation++)
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
        var run = new RandomOperations(seed: 2);
        for (int operation = 0; operation < 5000; operation++)
        {
            run.Step();
        }

        Assert.True(run.Hits > 200 && run.Swaps > 10 && run.Refusals > 50 && run.Evictions > 200, run.ToString());
    }
}

/// <summary>Sequences of several roots over a tiny vocabulary, so that they share prefixes, and a pool that is too small for them.</summary>
internal sealed class RandomOperations
{
    private const int LongestChain = 5;
    private const int MostHolders = 6;
    private static readonly string[] Tenants = ["a", "a", "b", "c"];

    private readonly Random _random;
    private readonly PrefixCache _cache;
    private readonly NaiveCache _naive;
    private readonly PrefixRoots _roots;
    private readonly List<Holder> _holders = [];
    private readonly Dictionary<string, BlockHash[]> _chains = [];

    public RandomOperations(int seed)
    {
        _random = new Random(seed);
        int blockSize = _random.Next(1, 4);
        int totalBlocks = _random.Next(6, 24);
        _cache = new PrefixCache(totalBlocks, blockSize);
        _naive = new NaiveCache(totalBlocks, blockSize);
        _roots = new PrefixRoots(new byte[32], blockSize, "test", new byte[32]);
    }

    public int Hits { get; private set; }

    public int Swaps { get; private set; }

    public int Refusals { get; private set; }

    public int Evictions { get; private set; }

    public override string ToString() => $"{Hits} hits, {Swaps} swaps, {Refusals} refusals, {Evictions} evictions";

    public void Step()
    {
        if (_holders.Count == 0 || (_holders.Count < MostHolders && _random.Next(4) == 0))
        {
            Start();
            return;
        }

        var holder = _holders[_random.Next(_holders.Count)];
        switch (_random.Next(8))
        {
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

        var expected = _naive.Acquire(paths);
        prompt.Acquire();
        Assert.Equal(expected, prompt.Blocks);
        Hits += expected.Count;
        _holders.Add(new Holder(prompt, paths) { Published = expected.Count });
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
        int expected = _naive.Publish(holder.Paths[index], index == 0 ? null : holder.Paths[index - 1], own);

        holder.Prompt.Publish(index);

        Swaps += expected == own ? 0 : 1;
        Assert.Equal(expected, holder.Prompt.Blocks[index]);
    }

    private void Release(Holder holder)
    {
        _naive.Release(holder.Paths.Take(holder.Published), holder.Prompt.Table.Count - holder.Published);
        holder.Prompt.Release();
        Assert.Equal(0, holder.Prompt.Table.Count);
        _holders.Remove(holder);
    }

    private sealed record Holder(Prompt Prompt, string[] Paths)
    {
        public int Published { get; set; }
    }
}
