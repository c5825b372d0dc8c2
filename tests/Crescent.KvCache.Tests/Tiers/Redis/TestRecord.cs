using Crescent.KvCache.Prefix;
using Crescent.KvCache.Tiers;

namespace Crescent.KvCache.Tests.Tiers.Redis;

/// <summary>A record of one layer, with bytes that its number decides.</summary>
internal sealed class TestRecord
{
    public const string Encoding = "raw-bf16";

    private static readonly BlockHash Root = new(new byte[BlockHash.Size]);

    private readonly int[] _tokens;

    /// <param name="number">Distinguishes records with the same parent.</param>
    /// <param name="length">Bytes of the whole record.</param>
    /// <param name="after">The one before it in its chain; null: it is the first.</param>
    public TestRecord(int number, int length, TestRecord? after = null)
    {
        _tokens = [number];
        Parent = after?.Key.Block ?? Root;
        Key = new RecordKey(BlockChain.Next(Parent, _tokens), Encoding);
        Bytes = new byte[length];
        new Random(number).NextBytes(Bytes);
        BlockRecord.WriteHeader(
            Bytes, Key, Parent, _tokens, [length - BlockRecord.HeaderBytes(System.Text.Encoding.ASCII.GetByteCount(Encoding), _tokens.Length, layers: 1)]);
    }

    public RecordKey Key { get; }

    public BlockHash Parent { get; }

    public byte[] Bytes { get; }

    public static TestRecord[] Many(int count, int length, int first = 0) =>
        [.. Enumerable.Range(first, count).Select(number => new TestRecord(number, length))];

    public static TestRecord[] Chain(int number, int count, int length)
    {
        var chain = new List<TestRecord>();
        for (int i = 0; i < count; i++)
        {
            chain.Add(new TestRecord(number + i, length, chain.LastOrDefault()));
        }

        return [.. chain];
    }

    /// <summary>What a reader of these bytes under this record's key finds.</summary>
    public RecordFault Open(ReadOnlyMemory<byte> bytes)
    {
        var fault = BlockRecord.TryOpen(bytes, Key, Parent, _tokens, layers: 1, out var record);
        return fault == RecordFault.None ? record.TryGetLayer(0, out _) : fault;
    }
}
