using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>Who goes first under each policy.</summary>
public class EvictionPolicyTests
{
    private static readonly BlockHash Root = new(new byte[BlockHash.Size]);

    [Fact]
    public void Lru_evicts_the_least_recently_used()
    {
        var cache = Cache(new LruEviction());
        Use(cache, 1, 1, 1);
        Use(cache, 2);

        Assert.Equal(1, Victim(cache, 1, 2));
    }

    [Fact]
    public void Of_many_blocks_that_come_and_go_in_any_order_the_least_recently_used_is_evicted()
    {
        var random = new Random(1);
        var cache = new PrefixCache(64, 1, new PrefixCacheOptions { Eviction = new LruEviction() });
        var order = new List<int>();
        for (int step = 0; step < 4000; step++)
        {
            int block = random.Next(64);
            Use(cache, block);
            order.Remove(block);
            order.Add(block);
            if (step % 10 == 0)
            {
                var table = new BlockTable();
                int evicted = Math.Min(order.Count, random.Next(1, 4));
                cache.TryAllocate(cache.FreeBlocks + evicted, table);
                cache.Release(table);
                Assert.All(order[..evicted], gone => Assert.Equal(0, Held(cache, gone)));
                order.RemoveRange(0, evicted);
                Assert.All(order, kept => Assert.Equal(1, Held(cache, kept)));
            }
        }
    }

    [Fact]
    public void Lfu_evicts_the_least_frequently_used()
    {
        var cache = Cache(new LfuEviction());
        Use(cache, 1, 1, 1, 2);

        Assert.Equal(2, Victim(cache, 1, 2));
    }

    [Fact]
    public void Lfu_evicts_the_older_of_two_used_as_often()
    {
        var cache = Cache(new LfuEviction());
        Use(cache, 1, 2, 2, 1);

        Assert.Equal(2, Victim(cache, 1, 2));
    }

    [Fact]
    public void Worth_follows_seconds_reuse_and_age()
    {
        var policy = new CostEviction();
        var use = new BlockUse(Age: 100, ReuseRate: 0.5, Hits: 0, Seconds: 2);

        double worth = policy.Worth(use);

        Assert.Equal(2 * worth, policy.Worth(use with { Seconds = 4 }), 1e-12);
        Assert.Equal(worth / 5, policy.Worth(use with { ReuseRate = 0.1 }), 1e-12);
        Assert.Equal(worth / 8, policy.Worth(use with { Age = 400 }), 1e-12);
    }

    [Fact]
    public void What_takes_longer_to_compute_again_is_kept_longer()
    {
        var cache = new PrefixCache(9, 1, new PrefixCacheOptions { Prefill = new PrefillCost(1, 10) });
        new Prompt(cache, Root, 1, 2, 3, 4, 5, 6, 7).Run().Release();
        Use(cache, 9);
        Use(cache, [.. Enumerable.Repeat(8, 100)]);

        // The leaf at depth 6 is a little older than the block at depth 0, and eleven times as expensive.
        Assert.Equal(9, Victim(cache, 8, 9));
        Assert.Equal(7, Held(cache, 1, 2, 3, 4, 5, 6, 7));
    }

    /// <summary>
    /// Conversations of three turns among many prompts that never come back: when it counts, the last turn's blocks are
    /// worth more than newer ones of a prompt that begins.
    /// </summary>
    [Fact]
    public void Kinds_of_blocks_that_come_back_are_kept_longer_than_newer_ones_that_do_not()
    {
        var cache = new PrefixCache(64, 1, new PrefixCacheOptions { Prefill = PrefillCost.Flat });
        int next = 1000;
        int[] Fresh(int count) => [.. Enumerable.Range(next += 100, count)];
        for (int round = 0; round < 60; round++)
        {
            int[] talk = Fresh(4);
            for (int turn = 0; turn < 4; turn++)
            {
                new Prompt(cache, Root, talk).Run().Release();
                talk = [.. talk, .. Fresh(1)];
                new Prompt(cache, Root, Fresh(5)).Run().Release();
            }
        }

        int[] goesOn = Fresh(4);
        new Prompt(cache, Root, goesOn).Run().Release();
        new Prompt(cache, Root, [.. goesOn, .. Fresh(1)]).Run().Release();
        int[] begins = Fresh(5);
        new Prompt(cache, Root, begins).Run().Release();
        for (int i = 0; i < 14; i++)
        {
            new Prompt(cache, Root, Fresh(4)).Run().Release();
        }

        Assert.Equal((4, 0), (Held(cache, goesOn), Held(cache, begins)));
    }

    private static PrefixCache Cache(IEvictionPolicy policy) => new(4, 1, new PrefixCacheOptions { Eviction = policy });

    private static void Use(PrefixCache cache, params int[] blocks)
    {
        foreach (int block in blocks)
        {
            new Prompt(cache, Root, block).Run().Release();
        }
    }

    /// <summary>Which of the blocks is gone when one has to go.</summary>
    private static int Victim(PrefixCache cache, params int[] blocks)
    {
        cache.TryAllocate(cache.FreeBlocks + 1, new BlockTable());
        return Assert.Single(blocks, block => Held(cache, block) == 0);
    }

    private static int Held(PrefixCache cache, params int[] tokens) => cache.Measure(new Prompt(cache, Root, tokens).Chain).Held;
}
