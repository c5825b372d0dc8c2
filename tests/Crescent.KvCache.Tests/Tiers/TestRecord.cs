using System.Buffers.Binary;
using System.IO.Hashing;
using Crescent.KvCache.Prefix;
using Crescent.KvCache.Tiers;

namespace Crescent.KvCache.Tests.Tiers;

/// <summary>A record whose every byte follows from a seed, so that whoever reads it back can tell right from wrong.</summary>
internal sealed class TestRecord
{
    private TestRecord(int seed, int bytes, string encoding)
    {
        var random = new Random(seed);
        var parent = new byte[BlockHash.Size];
        random.NextBytes(parent);
        Parent = new BlockHash(parent);
        Tokens = [.. Enumerable.Range(0, 16).Select(_ => random.Next())];
        Key = new RecordKey(BlockChain.Next(Parent, Tokens), encoding);
        LayerLengths = [.. Enumerable.Range(0, 3).Select(layer => (bytes / 3) + random.Next(0, 16) + layer)];
        Header = BlockRecord.HeaderBytes(encoding.Length, Tokens.Length, LayerLengths.Length);
        Bytes = new byte[Header + LayerLengths.Sum()];
        random.NextBytes(Bytes.AsSpan(Header));
        BlockRecord.WriteHeader(Bytes, Key, Parent, Tokens, LayerLengths);
    }

    public RecordKey Key { get; }

    public BlockHash Parent { get; }

    public int[] Tokens { get; }

    public int[] LayerLengths { get; }

    /// <summary>Bytes before the first layer.</summary>
    public int Header { get; }

    public byte[] Bytes { get; }

    /// <param name="bytes">About the size of its layers.</param>
    public static TestRecord Of(int seed, int bytes = 600, string encoding = "bf16") => new(seed, bytes, encoding);

    /// <summary>Opens bytes as this record.</summary>
    public RecordFault Open(ReadOnlyMemory<byte> bytes, out BlockRecord record) =>
        BlockRecord.TryOpen(bytes, Key, Parent, Tokens, LayerLengths.Length, out record);

    /// <summary>The first fault that a reader of all layers meets.</summary>
    public RecordFault Verify(ReadOnlyMemory<byte> bytes)
    {
        var fault = Open(bytes, out var record);
        for (int layer = 0; fault == RecordFault.None && layer < record.Layers; layer++)
        {
            fault = record.TryGetLayer(layer, out _);
        }

        return fault;
    }

    /// <summary>That these bytes are right: a reader finds no fault, and there is none to find.</summary>
    public void AssertIs(ReadOnlyMemory<byte> bytes)
    {
        Assert.Equal(RecordFault.None, Verify(bytes));
        Assert.True(bytes.Span.SequenceEqual(Bytes), "other bytes than were written");
    }

    /// <summary>Makes a header that was changed vouch for itself again.</summary>
    public void ChecksumAgain(Span<byte> record) =>
        BinaryPrimitives.WriteUInt64LittleEndian(record[(Header - 8)..], XxHash3.HashToUInt64(record[..(Header - 8)]));
}
