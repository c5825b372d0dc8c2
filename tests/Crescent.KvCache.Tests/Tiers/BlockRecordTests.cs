using System.Buffers.Binary;
using Crescent.KvCache.Tiers;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers;

public class BlockRecordTests
{
    private static readonly TestRecord Record = TestRecord.Of(seed: 1);

    [Theory]
    [InlineData("")]
    [InlineData("bf16")]
    [InlineData("a-codec-whose-name-has-sixty-four-characters-and-that-is-the-most")]
    public void Gives_back_what_was_written(string encoding)
    {
        var record = TestRecord.Of(seed: 2, encoding: encoding[..Math.Min(encoding.Length, BlockRecord.MaxEncodingBytes)]);

        Assert.Equal(RecordFault.None, record.Open(record.Bytes, out var opened));
        Assert.Equal(record.LayerLengths.Length, opened.Layers);
        int at = record.Header;
        for (int layer = 0; layer < opened.Layers; layer++)
        {
            Assert.Equal(RecordFault.None, opened.TryGetLayer(layer, out var bytes));
            Assert.Equal(record.Bytes.AsSpan(at, record.LayerLengths[layer]), bytes.Span);
            at += record.LayerLengths[layer];
        }
    }

    [Fact]
    public void Holds_empty_layers_and_none()
    {
        foreach (int[] lengths in (int[][])[[], [0], [0, 5, 0]])
        {
            var bytes = new byte[BlockRecord.HeaderBytes(Record.Key.Encoding.Length, Record.Tokens.Length, lengths.Length) + lengths.Sum()];
            BlockRecord.WriteHeader(bytes, Record.Key, Record.Parent, Record.Tokens, lengths);

            Assert.Equal(RecordFault.None, BlockRecord.TryOpen(bytes, Record.Key, Record.Parent, Record.Tokens, lengths.Length, out var opened));
            Assert.All(Enumerable.Range(0, lengths.Length), layer =>
            {
                Assert.Equal(RecordFault.None, opened.TryGetLayer(layer, out var layerBytes));
                Assert.Equal(lengths[layer], layerBytes.Length);
            });
        }
    }

    [Fact]
    public void A_right_key_with_another_value_is_a_mismatch()
    {
        var (key, parent, tokens, layers) = (Record.Key, Record.Parent, Record.Tokens, Record.LayerLengths.Length);
        var other = TestRecord.Of(seed: 3);
        int[] otherTokens = [.. tokens[..^1], tokens[^1] ^ 1];

        Assert.Equal(RecordFault.Mismatch, Record.Open(other.Bytes, out _));
        Assert.Equal(RecordFault.Mismatch, Fault(key with { Encoding = "int8" }, parent, tokens, layers));
        Assert.Equal(RecordFault.Mismatch, Fault(key with { Block = other.Key.Block }, parent, tokens, layers));
        Assert.Equal(RecordFault.Mismatch, Fault(key, other.Parent, tokens, layers));
        Assert.Equal(RecordFault.Mismatch, Fault(key, parent, otherTokens, layers));
        Assert.Equal(RecordFault.Mismatch, Fault(key, parent, tokens[..^1], layers));
        Assert.Equal(RecordFault.Mismatch, Fault(key, parent, tokens, layers + 1));

        static RecordFault Fault(RecordKey key, BlockHash parent, int[] tokens, int layers) =>
            BlockRecord.TryOpen(Record.Bytes, key, parent, tokens, layers, out _);
    }

    [Fact]
    public void A_record_that_claims_a_hash_its_tokens_do_not_have_is_a_mismatch()
    {
        var key = Record.Key with { Block = TestRecord.Of(seed: 3).Key.Block };
        byte[] bytes = [.. Record.Bytes];
        BlockRecord.WriteHeader(bytes, key, Record.Parent, Record.Tokens, Record.LayerLengths);

        Assert.Equal(RecordFault.Mismatch, BlockRecord.TryOpen(bytes, key, Record.Parent, Record.Tokens, 3, out _));
    }

    [Fact]
    public void One_bad_layer_leaves_the_others_readable()
    {
        byte[] bytes = [.. Record.Bytes];
        bytes[Record.Header + Record.LayerLengths[0]] ^= 1;

        Assert.Equal(RecordFault.None, Record.Open(bytes, out var opened));
        Assert.Equal(RecordFault.None, opened.TryGetLayer(0, out _));
        Assert.Equal(RecordFault.Checksum, opened.TryGetLayer(1, out var bad));
        Assert.Equal(RecordFault.None, opened.TryGetLayer(2, out _));
        Assert.True(bad.IsEmpty);
    }

    [Fact]
    public void Another_format_or_version_is_malformed()
    {
        foreach (int at in (int[])[0, 3, 4, 5])
        {
            byte[] bytes = [.. Record.Bytes];
            bytes[at] ^= 0x10;
            Record.ChecksumAgain(bytes);

            Assert.Equal(RecordFault.Malformed, Record.Open(bytes, out _));
        }
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    [InlineData(4, -1)]
    [InlineData(4, int.MaxValue)]
    [InlineData(4, int.MinValue)]
    [InlineData(16, 0)]
    [InlineData(16, int.MaxValue)]
    [InlineData(36, 0)]
    public void A_table_of_layers_that_does_not_add_up_is_malformed_though_its_checksum_is_right(int at, int value)
    {
        byte[] bytes = [.. Record.Bytes];
        int table = Record.Header - 8 - (16 * Record.LayerLengths.Length);
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(table + at), value);
        Record.ChecksumAgain(bytes);

        Assert.Equal(RecordFault.Malformed, Record.Open(bytes, out _));
    }

    [Fact]
    public void No_truncation_opens()
    {
        for (int length = 0; length < Record.Bytes.Length; length++)
        {
            Assert.NotEqual(RecordFault.None, Record.Open(Record.Bytes.AsMemory(0, length), out _));
        }

        Assert.Equal(RecordFault.Malformed, Record.Open((byte[])[.. Record.Bytes, 0], out _));
    }

    [Fact]
    public void No_flipped_bit_goes_unseen()
    {
        byte[] bytes = [.. Record.Bytes];
        for (int bit = 0; bit < bytes.Length * 8; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(RecordFault.None, Record.Verify(bytes));
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Fact]
    public void No_random_bytes_open_and_none_make_it_throw()
    {
        var random = new Random(4);
        for (int round = 0; round < LongProofs.Count(20_000, 1_000_000); round++)
        {
            var bytes = new byte[random.Next(Record.Bytes.Length + 100)];
            random.NextBytes(bytes);

            // From nothing but noise to a right header that noise has hit, with and without a checksum over it.
            int kept = random.Next(Math.Min(bytes.Length, Record.Bytes.Length) + 1);
            Record.Bytes.AsSpan(0, kept).CopyTo(bytes);
            if (bytes.Length > Record.Header && random.Next(2) == 0)
            {
                Record.ChecksumAgain(bytes);
            }

            Assert.Equal(bytes.AsSpan().SequenceEqual(Record.Bytes), Record.Verify(bytes) == RecordFault.None);
        }
    }

    [Fact]
    public void Spliced_records_do_not_verify()
    {
        var random = new Random(5);
        for (int round = 0; round < 2_000; round++)
        {
            var other = TestRecord.Of(seed: random.Next(6, 10));
            byte[] bytes = [.. Record.Bytes];
            int from = random.Next(bytes.Length);
            int length = Math.Min(random.Next(1, 200), Math.Min(bytes.Length, other.Bytes.Length) - from);
            if (length > 0)
            {
                other.Bytes.AsSpan(from, length).CopyTo(bytes.AsSpan(from));
            }

            Assert.Equal(bytes.AsSpan().SequenceEqual(Record.Bytes), Record.Verify(bytes) == RecordFault.None);
        }
    }

    [Fact]
    public void Refuses_to_write_what_it_could_not_read()
    {
        byte[] bytes = [.. Record.Bytes];

        Write(Record.Key, [.. Record.LayerLengths[..^1], Record.LayerLengths[^1] - 1]);
        Write(Record.Key, [.. Record.LayerLengths[..^1], Record.LayerLengths[^1] + 1]);
        Write(Record.Key with { Encoding = new string('a', BlockRecord.MaxEncodingBytes + 1) }, Record.LayerLengths);
        Write(Record.Key with { Encoding = "é" }, Record.LayerLengths);

        void Write(RecordKey key, int[] lengths) =>
            Assert.ThrowsAny<ArgumentException>(() => BlockRecord.WriteHeader(bytes, key, Record.Parent, Record.Tokens, lengths));
    }

    [Fact]
    public void Asking_for_a_layer_that_is_not_there_is_a_mistake()
    {
        Record.Open(Record.Bytes, out var opened);

        Assert.Throws<ArgumentOutOfRangeException>(() => opened.TryGetLayer(3, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => opened.TryGetLayer(-1, out _));
    }
}
