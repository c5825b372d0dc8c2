using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>Every test ends with <see cref="PrefixCache.CheckIntegrity"/>.</summary>
public sealed class PrefixCacheTests : IDisposable
{
    private static readonly BlockHash Root = new(new byte[BlockHash.Size]);

    private readonly PrefixCache _cache = new(totalBlocks: 6, blockSize: 2);

    public void Dispose() => _cache.CheckIntegrity();

    [Fact]
    public void A_new_cache_has_only_free_blocks()
    {
        AssertCounts(free: 6, cached: 0, active: 0);
        Assert.Equal(6, _cache.TotalBlocks);
    }

    [Fact]
    public void Allocated_blocks_are_distinct_and_active()
    {
        var table = new BlockTable();

        Assert.True(_cache.TryAllocate(6, table));

        Assert.Equal([0, 1, 2, 3, 4, 5], table.Memory.ToArray().Select(block => block.Value).Order());
        AssertCounts(free: 0, cached: 0, active: 6);
    }

    [Fact]
    public void Allocation_gives_all_blocks_or_none()
    {
        var table = new BlockTable();
        _cache.TryAllocate(4, new BlockTable());

        Assert.False(_cache.TryAllocate(3, table));

        Assert.Equal(0, table.Count);
        AssertCounts(free: 2, cached: 0, active: 4);
    }

    [Fact]
    public void Released_private_blocks_become_free()
    {
        var table = new BlockTable();
        _cache.TryAllocate(3, table);

        _cache.Release(table);

        Assert.Equal(0, table.Count);
        AssertCounts(free: 6, cached: 0, active: 0);
    }

    [Fact]
    public void Released_published_blocks_stay_cached()
    {
        NewPrompt(1, 1, 2, 2).Run().Release();

        AssertCounts(free: 4, cached: 2, active: 0);
    }

    [Fact]
    public void A_hit_returns_the_blocks_that_were_published_with_those_tokens()
    {
        var writer = NewPrompt(1, 1, 2, 2, 3, 3).Run();
        var blocks = writer.Blocks;
        writer.Release();
        var reader = NewPrompt(1, 1, 2, 2, 3, 3);

        reader.Acquire();

        Assert.Equal(blocks, reader.Blocks);
        AssertCounts(free: 3, cached: 0, active: 3);
    }

    [Fact]
    public void A_hit_ends_at_the_first_block_that_differs()
    {
        var writer = NewPrompt(1, 1, 2, 2, 3, 3).Run();
        var reader = NewPrompt(1, 1, 9, 9, 3, 3);

        reader.Acquire();

        Assert.Equal(writer.Blocks[..1], reader.Blocks);
    }

    [Fact]
    public void A_block_stays_active_until_the_last_of_its_holders_lets_go()
    {
        var first = NewPrompt(1, 1).Run();
        var second = NewPrompt(1, 1).Run();

        first.Release();
        AssertCounts(free: 5, cached: 0, active: 1);

        second.Release();
        AssertCounts(free: 5, cached: 1, active: 0);
    }

    [Fact]
    public void An_unpublished_block_does_not_answer()
    {
        var writer = NewPrompt(1, 1, 2, 2);
        _cache.TryAllocate(2, writer.Table);
        writer.Publish(0);

        Assert.Equal(1, NewPrompt(1, 1, 2, 2).Acquire());
    }

    [Fact]
    public void A_hash_that_comes_with_other_tokens_is_a_miss()
    {
        var writer = NewPrompt(1, 1).Run();
        var table = new BlockTable();

        _cache.Acquire(writer.Chain, [1, 2], table);

        Assert.Equal(0, table.Count);
        AssertCounts(free: 5, cached: 0, active: 1);
    }

    [Fact]
    public void Publishing_a_held_hash_with_other_tokens_keeps_both_blocks_as_they_are()
    {
        var writer = NewPrompt(1, 1).Run();
        var collider = new BlockTable();
        _cache.TryAllocate(1, collider);
        var own = collider[0];

        _cache.Publish(collider, 0, writer.Chain[0], [5, 5]);

        Assert.Equal(own, collider[0]);
        Assert.Equal(writer.Blocks[0], NewPrompt(1, 1).Run().Blocks[0]);
        _cache.Release(collider);
        AssertCounts(free: 5, cached: 0, active: 1);
    }

    [Fact]
    public void A_block_behind_a_hash_collision_neither_answers_nor_takes_over_another()
    {
        var writer = NewPrompt(1, 1, 2, 2).Run();
        var collider = new BlockTable();
        _cache.TryAllocate(2, collider);
        var own = collider[1];
        _cache.Publish(collider, 0, writer.Chain[0], [5, 5]);

        _cache.Publish(collider, 1, writer.Chain[1], [2, 2]);

        Assert.Equal(own, collider[1]);
    }

    [Fact]
    public void A_block_behind_an_unpublished_one_does_not_answer()
    {
        var writer = NewPrompt(1, 1, 2, 2);
        _cache.TryAllocate(2, writer.Table);

        writer.Publish(1);
        writer.Release();

        AssertCounts(free: 6, cached: 0, active: 0);
    }

    [Fact]
    public void Publishing_a_hash_that_answers_takes_over_its_block_and_frees_the_own_one()
    {
        var first = NewPrompt(1, 1, 2, 2);
        var second = NewPrompt(1, 1, 2, 2);
        _cache.TryAllocate(2, first.Table);
        _cache.TryAllocate(2, second.Table);
        first.Publish(0);
        first.Publish(1);

        second.Publish(0);
        second.Publish(1);

        Assert.Equal(first.Blocks, second.Blocks);
        AssertCounts(free: 4, cached: 0, active: 2);
    }

    [Fact]
    public void Publishing_takes_over_a_cached_block_too()
    {
        var second = NewPrompt(1, 1);
        _cache.TryAllocate(1, second.Table);
        var first = NewPrompt(1, 1).Run();
        var blocks = first.Blocks;
        first.Release();

        second.Publish(0);

        Assert.Equal(blocks, second.Blocks);
        AssertCounts(free: 5, cached: 0, active: 1);
    }

    [Fact]
    public void Publishing_a_block_twice_changes_nothing()
    {
        var writer = NewPrompt(1, 1).Run();
        var blocks = writer.Blocks;

        writer.Publish(0);

        Assert.Equal(blocks, writer.Blocks);
        AssertCounts(free: 5, cached: 0, active: 1);
    }

    [Fact]
    public void Leaves_are_evicted_before_the_blocks_they_hang_on()
    {
        NewPrompt(1, 1, 2, 2, 3, 3).Run().Release();

        Occupy(4);
        Assert.Equal(2, Held(1, 1, 2, 2, 3, 3));
        Occupy(1);
        Assert.Equal(1, Held(1, 1, 2, 2, 3, 3));
        Occupy(1);
        Assert.Equal(0, Held(1, 1, 2, 2, 3, 3));
    }

    [Fact]
    public void The_least_recently_used_leaf_is_evicted_first()
    {
        NewPrompt(1, 1).Run().Release();
        NewPrompt(2, 2).Run().Release();
        NewPrompt(3, 3).Run().Release();

        Occupy(4);

        Assert.Equal((0, 1, 1), (Held(1, 1), Held(2, 2), Held(3, 3)));
    }

    [Fact]
    public void Using_a_block_again_makes_it_the_last_to_be_evicted()
    {
        NewPrompt(1, 1).Run().Release();
        NewPrompt(2, 2).Run().Release();
        NewPrompt(1, 1).Run().Release();

        Occupy(5);

        Assert.Equal((1, 0), (Held(1, 1), Held(2, 2)));
    }

    [Fact]
    public void A_shared_parent_outlives_all_its_children()
    {
        NewPrompt(1, 1, 2, 2).Run().Release();
        NewPrompt(1, 1, 3, 3).Run().Release();

        Occupy(4);
        Assert.Equal((1, 2), (Held(1, 1, 2, 2), Held(1, 1, 3, 3)));
        Occupy(1);
        Assert.Equal((1, 1), (Held(1, 1, 2, 2), Held(1, 1, 3, 3)));
    }

    [Fact]
    public void Active_blocks_are_never_evicted()
    {
        var running = NewPrompt(1, 1, 2, 2).Run();
        var blocks = running.Blocks;
        Occupy(4);

        Assert.False(_cache.TryAllocate(1, new BlockTable()));

        Assert.Equal(blocks, NewPrompt(1, 1, 2, 2).Run().Blocks);
    }

    [Fact]
    public void An_evicted_block_can_be_published_again()
    {
        NewPrompt(1, 1).Run().Release();
        var table = Occupy(6);
        _cache.Release(table);

        NewPrompt(1, 1).Run().Release();

        AssertCounts(free: 5, cached: 1, active: 0);
    }

    [Fact]
    public void All_free_and_cached_blocks_can_be_allocated()
    {
        NewPrompt(1, 1, 2, 2, 3, 3).Run().Release();
        var running = NewPrompt(1, 1).Run();
        Assert.Equal(5, _cache.AvailableBlocks);

        Assert.True(_cache.TryAllocate(5, new BlockTable()));

        Assert.Single(running.Blocks);
        AssertCounts(free: 0, cached: 0, active: 6);
    }

    [Fact]
    public void Measuring_counts_held_blocks_and_those_of_them_that_are_available()
    {
        NewPrompt(1, 1, 2, 2, 3, 3).Run().Release();
        NewPrompt(1, 1).Run();

        Assert.Equal((3, 2), _cache.Measure(NewPrompt(1, 1, 2, 2, 3, 3, 4, 4).Chain));
        AssertCounts(free: 3, cached: 2, active: 1);
    }

    [Fact]
    public void Acquiring_again_goes_on_behind_what_was_published_meanwhile()
    {
        var writer = NewPrompt(1, 1, 2, 2, 3, 3);
        _cache.TryAllocate(3, writer.Table);
        writer.Publish(0);
        var reader = NewPrompt(1, 1, 2, 2, 3, 3);
        Assert.Equal(1, reader.Acquire());

        Assert.Equal(1, reader.Acquire());
        writer.Publish(1);
        writer.Publish(2);

        Assert.Equal(3, reader.Acquire());
        Assert.Equal(writer.Blocks, reader.Blocks);
        AssertCounts(free: 3, cached: 0, active: 3);
    }

    [Fact]
    public void A_table_whose_last_block_collided_takes_over_nothing()
    {
        var writer = NewPrompt(1, 1, 2, 2).Run();
        var collider = new BlockTable();
        _cache.TryAllocate(1, collider);
        _cache.Publish(collider, 0, writer.Chain[0], [5, 5]);

        _cache.Acquire(writer.Chain, [5, 5, 2, 2], collider);

        Assert.Equal(1, collider.Count);
    }

    private Prompt NewPrompt(params int[] tokens) => new(_cache, Root, tokens);

    /// <summary>Blocks that an equal prompt would hit, found without using them.</summary>
    private int Held(params int[] tokens) => _cache.Measure(NewPrompt(tokens).Chain).Held;

    private BlockTable Occupy(int blocks)
    {
        var table = new BlockTable();
        Assert.True(_cache.TryAllocate(blocks, table));
        return table;
    }

    private void AssertCounts(int free, int cached, int active) =>
        Assert.Equal((free, cached, active), (_cache.FreeBlocks, _cache.CachedBlocks, _cache.ActiveBlocks));
}
