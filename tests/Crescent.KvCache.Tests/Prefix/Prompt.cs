using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>A sequence as the cache's caller sees it: tokens, their chain, and the table of blocks it holds.</summary>
internal sealed class Prompt
{
    private readonly PrefixCache _cache;

    /// <param name="tokens">Whole blocks.</param>
    public Prompt(PrefixCache cache, BlockHash root, params int[] tokens)
    {
        _cache = cache;
        Tokens = tokens;
        Chain = new BlockHash[tokens.Length / cache.BlockSize];
        for (int i = 0; i < Chain.Length; i++)
        {
            Chain[i] = BlockChain.Next(i == 0 ? root : Chain[i - 1], TokensOf(i));
        }
    }

    public int[] Tokens { get; }

    public BlockHash[] Chain { get; }

    public BlockTable Table { get; } = new();

    public int[] Blocks => [.. Table.Memory.ToArray().Select(block => block.Value)];

    public ReadOnlySpan<int> TokensOf(int block) => Tokens.AsSpan(block * _cache.BlockSize, _cache.BlockSize);

    public int Acquire()
    {
        _cache.Acquire(Chain, Tokens, Table);
        return Table.Count;
    }

    public void Publish(int block) => _cache.Publish(Table, block, Chain[block], TokensOf(block));

    /// <summary>What a sequence does that runs from its start to its end: hit, compute the rest, publish it all.</summary>
    public Prompt Run()
    {
        int hits = Acquire();
        Assert.True(_cache.TryAllocate(Chain.Length - hits, Table), "the pool is too small for this test");
        for (int i = hits; i < Chain.Length; i++)
        {
            Publish(i);
        }

        return this;
    }

    public void Release() => _cache.Release(Table);
}
