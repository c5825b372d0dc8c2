using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>Every test ends with <see cref="PrefixCache.CheckIntegrity"/>.</summary>
public sealed class PinTests : IDisposable
{
    private static readonly BlockHash Root = new(new byte[BlockHash.Size]);
    private static readonly PinTerms Terms = new(TimeSpan.FromSeconds(10));

    private readonly ManualTime _time = new();
    private readonly PrefixCache _cache;

    public PinTests()
    {
        var options = new PrefixCacheOptions { PinnableShare = 0.5, MaxPins = 3, Eviction = new LruEviction() };
        _cache = new PrefixCache(totalBlocks: 8, blockSize: 2, options, _time);
    }

    public void Dispose() => _cache.CheckIntegrity();

    [Fact]
    public void A_pinned_chain_is_not_evicted()
    {
        Cached(1, 1, 2, 2);
        Pin(1, 1, 2, 2);

        Assert.True(_cache.TryAllocate(6, new BlockTable()));
        Assert.False(_cache.TryAllocate(1, new BlockTable()));

        Assert.Equal(2, Held(1, 1, 2, 2));
    }

    [Fact]
    public void Pinned_blocks_are_cached_but_not_available()
    {
        Cached(1, 1, 2, 2, 3, 3);

        Pin(1, 1, 2, 2);

        Assert.Equal((5, 3, 0), (_cache.FreeBlocks, _cache.CachedBlocks, _cache.ActiveBlocks));
        Assert.Equal((2, 6), (_cache.PinnedBlocks, _cache.AvailableBlocks));
        Assert.Equal((3, 1), _cache.Measure(NewPrompt(1, 1, 2, 2, 3, 3).Chain));
    }

    [Fact]
    public void What_hangs_on_a_pinned_chain_is_evicted()
    {
        Cached(1, 1, 2, 2, 3, 3);
        Pin(1, 1, 2, 2);

        Assert.True(_cache.TryAllocate(6, new BlockTable()));

        Assert.Equal(2, Held(1, 1, 2, 2, 3, 3));
    }

    [Fact]
    public void An_active_chain_stays_pinned_when_it_is_let_go()
    {
        var prompt = NewPrompt(1, 1, 2, 2).Run();
        Pin(1, 1, 2, 2);
        Assert.Equal(6, _cache.AvailableBlocks);

        prompt.Release();

        Assert.Equal((6, 2), (_cache.AvailableBlocks, _cache.CachedBlocks));
    }

    [Fact]
    public void A_pin_ends_by_itself_after_its_lease()
    {
        Cached(1, 1, 2, 2);
        Pin(1, 1, 2, 2);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(_cache.TryAllocate(7, new BlockTable()));

        _time.Advance(TimeSpan.FromSeconds(0.1));

        Assert.True(_cache.TryAllocate(8, new BlockTable()));
        Assert.Equal(0, _cache.Pins);
    }

    [Fact]
    public void Renewing_begins_the_lease_anew()
    {
        Cached(1, 1);
        var pin = Pin(1, 1);
        _time.Advance(TimeSpan.FromSeconds(8));

        Assert.True(_cache.RenewPin(pin, TimeSpan.FromSeconds(10)));

        _time.Advance(TimeSpan.FromSeconds(9));
        _cache.ExpirePins();
        Assert.Equal(1, _cache.Pins);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_cache.RenewPin(pin, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void An_unpinned_chain_can_be_evicted_again()
    {
        Cached(1, 1);
        var pin = Pin(1, 1);

        Assert.True(_cache.Unpin(pin));

        Assert.False(_cache.Unpin(pin));
        Assert.True(_cache.TryAllocate(8, new BlockTable()));
    }

    [Fact]
    public void A_block_stays_pinned_until_the_last_of_its_pins_ends()
    {
        Cached(1, 1, 2, 2);
        var longer = Pin(1, 1, 2, 2);
        Pin(1, 1);

        _cache.Unpin(longer);

        Assert.Equal((1, 7), (_cache.PinnedBlocks, _cache.AvailableBlocks));
    }

    [Fact]
    public void A_chain_that_is_not_all_there_is_not_pinned()
    {
        Cached(1, 1);

        Assert.Equal(PinOutcome.NotHeld, TryPin(Terms, 1, 1, 2, 2));
        Assert.Equal(0, _cache.PinnedBlocks);
    }

    [Fact]
    public void Other_tokens_than_the_blocks_hold_are_not_pinned()
    {
        Cached(1, 1);

        Assert.Equal(PinOutcome.NotHeld, _cache.TryPin(NewPrompt(1, 1).Chain, [1, 2], Terms, out _));
    }

    [Fact]
    public void Pins_hold_no_more_than_their_share()
    {
        Cached(1, 1, 2, 2, 3, 3);
        Cached(4, 4, 5, 5);
        Pin(1, 1, 2, 2, 3, 3);

        Assert.Equal(PinOutcome.OverLimit, TryPin(Terms, 4, 4, 5, 5));
        Assert.Equal(PinOutcome.Pinned, TryPin(Terms, 4, 4));
        Assert.Equal((4, 4), (_cache.PinnedBlocks, _cache.MaxPinnedBlocks));
    }

    [Fact]
    public void Pins_are_refused_where_nothing_is_set_apart_for_them()
    {
        var cache = new PrefixCache(8, 2);
        new Prompt(cache, Root, 1, 1).Run().Release();

        Assert.Equal(PinOutcome.OverLimit, cache.TryPin(NewPrompt(1, 1).Chain, [1, 1], Terms, out _));
    }

    [Fact]
    public void There_are_no_more_pins_than_allowed()
    {
        Cached(1, 1);
        Pin(1, 1);
        Pin(1, 1);
        Pin(1, 1);

        Assert.Equal(PinOutcome.OverLimit, TryPin(Terms, 1, 1));
    }

    [Fact]
    public void A_pin_gives_way_to_a_more_important_one()
    {
        Cached(1, 1, 2, 2);
        Cached(3, 3);
        Cached(4, 4, 5, 5);
        var middle = Pin(Terms with { Priority = 1 }, 3, 3);
        var least = Pin(Terms with { Priority = 2 }, 1, 1, 2, 2);

        Pin(Terms, 4, 4, 5, 5);

        Assert.False(_cache.Unpin(least));
        Assert.True(_cache.Unpin(middle));
    }

    [Fact]
    public void No_pin_ends_for_one_that_does_not_fit_all_the_same()
    {
        Cached(1, 1, 2, 2, 3, 3);
        Cached(4, 4);
        Cached(5, 5, 6, 6);
        Pin(Terms, 1, 1, 2, 2, 3, 3);
        var least = Pin(Terms with { Priority = 5 }, 4, 4);

        Assert.Equal(PinOutcome.OverLimit, TryPin(Terms, 5, 5, 6, 6));

        Assert.True(_cache.Unpin(least));
    }

    [Fact]
    public void A_pin_ends_with_its_last_pending_consumer()
    {
        Cached(1, 1, 2, 2);
        Pin(Terms with { PendingConsumers = 2 }, 1, 1, 2, 2);

        Consume(1, 1, 2, 2, 3, 3);
        Consume(1, 1, 7, 7);
        Assert.Equal(2, _cache.PinnedBlocks);
        Consume(1, 1, 2, 2);

        Assert.Equal(0, _cache.Pins);
    }

    private void Consume(params int[] tokens)
    {
        var prompt = NewPrompt(tokens);
        prompt.Acquire();
        _cache.Consumed(prompt.Table);
        prompt.Release();
    }

    private PinId Pin(params int[] tokens) => Pin(Terms, tokens);

    private PinId Pin(PinTerms terms, params int[] tokens)
    {
        Assert.Equal(PinOutcome.Pinned, _cache.TryPin(NewPrompt(tokens).Chain, tokens, terms, out var pin));
        return pin;
    }

    private PinOutcome TryPin(PinTerms terms, params int[] tokens) => _cache.TryPin(NewPrompt(tokens).Chain, tokens, terms, out _);

    private void Cached(params int[] tokens) => NewPrompt(tokens).Run().Release();

    private Prompt NewPrompt(params int[] tokens) => new(_cache, Root, tokens);

    private int Held(params int[] tokens) => _cache.Measure(NewPrompt(tokens).Chain).Held;
}
