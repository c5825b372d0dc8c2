using System.Buffers.Binary;
using System.IO.Hashing;
using Crescent.KvCache.Tiers.Disk;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

public class FrameHeaderTests
{
    private static readonly TestRecord Record = TestRecord.Of(seed: 1, bytes: 300);

    [Fact]
    public void Gives_back_what_was_written()
    {
        var header = FrameHeader.For(Record.Key, sequence: 77, Record.Bytes);
        byte[] frame = Frame(header);

        Assert.True(FrameHeader.TryRead(frame, out var read));
        Assert.Equal(header, read);
        Assert.Equal(FrameFault.None, FrameHeader.Open(frame, Record.Key, out var record));
        Assert.Equal(Record.Bytes, record);
    }

    [Fact]
    public void Another_record_under_the_key_is_a_mismatch_and_so_is_a_removal()
    {
        byte[] frame = Frame(FrameHeader.For(Record.Key, sequence: 1, Record.Bytes));

        Assert.Equal(FrameFault.Mismatch, FrameHeader.Open(frame, TestRecord.Of(seed: 2).Key, out _));
        Assert.Equal(FrameFault.Mismatch, FrameHeader.Open(frame, Record.Key with { Encoding = "int8" }, out _));
        Assert.Equal(FrameFault.Mismatch, FrameHeader.Open(Frame(FrameHeader.For(Record.Key, 1, [])), Record.Key, out _));
    }

    [Fact]
    public void No_truncation_and_no_flipped_bit_goes_unseen()
    {
        byte[] frame = Frame(FrameHeader.For(Record.Key, sequence: 1, Record.Bytes));
        int used = FrameHeader.For(Record.Key, 1, Record.Bytes).Bytes + Record.Bytes.Length;
        for (int length = 0; length < used; length++)
        {
            Assert.Equal(FrameFault.Corrupt, FrameHeader.Open(frame.AsSpan(0, length), Record.Key, out _));
        }

        for (int bit = 0; bit < used * 8; bit++)
        {
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Equal(FrameFault.Corrupt, FrameHeader.Open(frame, Record.Key, out _));
            frame[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    [InlineData(5_000)]
    public void A_length_that_cannot_be_is_corrupt_though_its_checksum_is_right(int length)
    {
        var header = FrameHeader.For(Record.Key, sequence: 1, Record.Bytes);
        byte[] frame = Frame(header);
        BinaryPrimitives.WriteInt32LittleEndian(frame.AsSpan(24), length);
        BinaryPrimitives.WriteUInt64LittleEndian(frame.AsSpan(header.Bytes - 8), XxHash3.HashToUInt64(frame.AsSpan(0, header.Bytes - 8)));

        Assert.Equal(FrameFault.Corrupt, FrameHeader.Open(frame, Record.Key, out _));
    }

    [Fact]
    public void Random_bytes_never_open_and_never_throw()
    {
        var random = new Random(2);
        byte[] right = Frame(FrameHeader.For(Record.Key, sequence: 1, Record.Bytes));
        for (int round = 0; round < LongProofs.Count(20_000, 500_000); round++)
        {
            var bytes = new byte[random.Next(1_000)];
            random.NextBytes(bytes);
            right.AsSpan(0, random.Next(Math.Min(bytes.Length, 100) + 1)).CopyTo(bytes);

            Assert.Equal(FrameFault.Corrupt, FrameHeader.Open(bytes, Record.Key, out _));
        }
    }

    private static byte[] Frame(FrameHeader header)
    {
        var frame = new byte[header.FrameBytes];
        header.Write(frame);
        if (header.RecordBytes > 0)
        {
            Record.Bytes.CopyTo(frame.AsSpan(header.Bytes));
        }

        return frame;
    }
}
