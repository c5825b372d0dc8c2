using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>The check itself: a caller that lets go of what it does not hold corrupts the cache, and is found out.</summary>
public class IntegrityTests
{
    private static readonly BlockHash Root = new(new byte[BlockHash.Size]);

    private readonly PrefixCache _cache = new(totalBlocks: 6, blockSize: 2);

    [Fact]
    public void A_block_released_twice_is_found()
    {
        var table = new BlockTable();
        _cache.TryAllocate(1, table);
        var copy = Copy(table, 0);

        _cache.Release(table);
        _cache.CheckIntegrity();
        _cache.Release(copy);

        Assert.Throws<InvalidOperationException>(_cache.CheckIntegrity);
    }

    [Fact]
    public void A_parent_released_under_its_active_child_is_found()
    {
        var prompt = new Prompt(_cache, Root, 1, 1, 2, 2).Run();

        _cache.Release(Copy(prompt.Table, 0));

        var error = Assert.Throws<InvalidOperationException>(_cache.CheckIntegrity);
        Assert.Contains($"block {prompt.Blocks[1]} is active but its parent {prompt.Blocks[0]} is not", error.Message);
    }

    [Fact]
    public void A_block_that_is_free_twice_is_found()
    {
        var table = new BlockTable();
        _cache.TryAllocate(2, table);
        var copy = Copy(table, 0);
        _cache.Release(table);
        _cache.Release(copy);
        _cache.TryAllocate(1, new BlockTable());

        Assert.Throws<InvalidOperationException>(_cache.CheckIntegrity);
    }

    private static BlockTable Copy(BlockTable table, params int[] indices)
    {
        var copy = new BlockTable();
        Array.ForEach(indices, index => copy.Add(table[index]));
        return copy;
    }
}
