using System.Security.Cryptography;
using System.Text;
using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>
/// The format of a block's identity, from explicit bytes: a changed format makes every stored block unreadable, so it
/// must not change unnoticed.
/// </summary>
public class IdentityTests
{
    private static readonly byte[] Fingerprint = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];
    private static readonly byte[] Salt = [.. Enumerable.Range(0, 32).Select(i => (byte)(255 - i))];
    private static readonly byte[] Secret = [.. Enumerable.Repeat((byte)0x5a, 32)];
    private static readonly RootRecord Root = new(Fingerprint, 64, "cpu/avx2/1", Salt);

    [Fact]
    public void A_root_is_the_SHA_256_of_version_block_size_and_length_prefixed_fields()
    {
        byte[] record =
        [
            1, 0, 0, 0,
            64, 0, 0, 0,
            32, 0, 0, 0, .. Fingerprint,
            10, 0, 0, 0, .. "cpu/avx2/1"u8,
            32, 0, 0, 0, .. Salt,
            5, 0, 0, 0, .. "exact"u8,
        ];

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(record)), Root.Hash().ToString());
    }

    [Fact]
    public void A_block_hash_is_the_SHA_256_of_the_parent_and_little_endian_token_ids()
    {
        byte[] input = [.. Salt, 1, 0, 0, 0, 4, 3, 2, 1, 255, 255, 255, 127];

        var hash = BlockChain.Next(new BlockHash(Salt), [1, 0x01020304, int.MaxValue]);

        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(input)), hash.ToString());
    }

    [Fact]
    public void A_salt_is_the_HMAC_of_length_prefixed_tenant_and_cache_salt()
    {
        byte[] input = [6, 0, 0, 0, .. "tenant"u8, 4, 0, 0, 0, .. Encoding.UTF8.GetBytes("sé1")];

        Assert.Equal(HMACSHA256.HashData(Secret, input), TenantSalt.Compute(Secret, "tenant", "sé1"));
    }

    [Fact]
    public void The_second_block_of_a_known_chain_has_the_hash_on_record()
    {
        int[] tokens = [.. Enumerable.Range(0, 128)];

        var first = BlockChain.Next(new PrefixRoots(Fingerprint, 64, "cpu/avx2/1", Secret).For("acme", "case 7"), tokens.AsSpan(0, 64));
        var second = BlockChain.Next(first, tokens.AsSpan(64));

        Assert.Equal("e702a45565b1bf539395f2d4c3503c031091fbb9387f31a1d7b751eca94274e6", second.ToString());
    }

    [Fact]
    public void A_block_hash_keeps_its_32_bytes()
    {
        var bytes = new byte[BlockHash.Size];
        new BlockHash(Salt).CopyTo(bytes);

        Assert.Equal(Salt, bytes);
        Assert.Equal(new BlockHash(Salt), new BlockHash(bytes));
        Assert.NotEqual(new BlockHash(Salt), new BlockHash(Fingerprint));
    }

    [Fact]
    public void The_largest_block_has_a_hash()
    {
        var tokens = Enumerable.Range(0, 256).ToArray();

        Assert.NotEqual(BlockChain.Next(Root.Hash(), tokens), BlockChain.Next(Root.Hash(), [.. tokens[..255], 0]));
    }

    [Fact]
    public void The_same_tokens_behind_another_parent_are_another_block()
    {
        var one = BlockChain.Next(Root.Hash(), [1, 2]);
        var other = BlockChain.Next(Root.Hash(), [1, 3]);

        Assert.NotEqual(BlockChain.Next(one, [5, 6]), BlockChain.Next(other, [5, 6]));
    }

    public static TheoryData<string, RootRecord> OtherRecords() => new()
    {
        { "fingerprint", Root with { ModelFingerprint = Salt } },
        { "block size", Root with { BlockSize = 32 } },
        { "numerics", Root with { NumericsId = "cpu/avx512/1" } },
        { "salt", Root with { Salt = Fingerprint } },
        { "boundary between fields", Root with { ModelFingerprint = Fingerprint.AsMemory(0, 31), NumericsId = "\u001fcpu/avx2/1" } },
    };

    [Theory]
    [MemberData(nameof(OtherRecords))]
    public void Blocks_of_roots_that_differ_in_one_field_are_never_shared(string field, RootRecord other)
    {
        Assert.NotEqual(Root.Hash(), other.Hash());
        Assert.Equal(0, HitsOf(Root.Hash(), other.Hash()));
        Assert.True(HitsOf(Root.Hash(), Root.Hash()) == 2, $"the same root must hit, or nothing is said about {field}");
    }

    [Theory]
    [InlineData("b", null)]
    [InlineData("A", null)]
    [InlineData("", null)]
    [InlineData("a", "x")]
    [InlineData("a", "X")]
    [InlineData("ax", null)]
    [InlineData("", "a")]
    public void Tenants_and_cache_salts_never_share_blocks(string tenant, string? cacheSalt)
    {
        var roots = new PrefixRoots(Fingerprint, 64, "cpu/avx2/1", Secret);

        Assert.Equal(0, HitsOf(roots.For("a", null), roots.For(tenant, cacheSalt)));
        Assert.Equal(2, HitsOf(roots.For(tenant, cacheSalt), roots.For(tenant, cacheSalt)));
    }

    [Fact]
    public void A_cache_salt_cannot_spell_another_tenant()
    {
        Assert.NotEqual(TenantSalt.Compute(Secret, "ab", "c"), TenantSalt.Compute(Secret, "a", "bc"));
    }

    [Fact]
    public void Another_server_secret_gives_other_salts()
    {
        Assert.NotEqual(TenantSalt.Compute(Secret, "a", null), TenantSalt.Compute(Salt, "a", null));
    }

    /// <summary>Blocks that a request under one root finds of the same two blocks of tokens published under another.</summary>
    private static int HitsOf(BlockHash published, BlockHash asked)
    {
        int[] tokens = [7, 8, 9, 10];
        var cache = new PrefixCache(4, blockSize: 2);
        var writer = new BlockTable();
        cache.TryAllocate(2, writer);
        var chain = Chain(published, tokens);
        cache.Publish(writer, 0, chain[0], tokens.AsSpan(0, 2));
        cache.Publish(writer, 1, chain[1], tokens.AsSpan(2, 2));
        var reader = new BlockTable();
        cache.Acquire(Chain(asked, tokens), tokens, reader);
        return reader.Count;
    }

    private static BlockHash[] Chain(BlockHash root, int[] tokens)
    {
        var first = BlockChain.Next(root, tokens.AsSpan(0, 2));
        return [first, BlockChain.Next(first, tokens.AsSpan(2, 2))];
    }
}
