using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;

namespace Crescent.KvCache.Tiers.Disk;

/// <summary>
/// What stands before a record in a segment. A frame is this header and the record, padded with zeros to a multiple of
/// <see cref="DirectFile.Alignment"/>; the removal of a record is a frame without one. Little-endian:
/// <code>
/// "CRFR" | version u16 | encoding length u16 | sequence i64 | XXH3 of the record u64 | record length i32
/// block hash 32 | encoding, ASCII | XXH3 of all this u64
/// </code>
/// </summary>
/// <param name="Sequence">Grows from frame to frame, through all segments: of two frames with one key the later counts.</param>
/// <param name="RecordBytes">0: from here on there is no record of this key.</param>
internal readonly record struct FrameHeader(RecordKey Key, long Sequence, int RecordBytes, ulong Checksum)
{
    public const int MaxBytes = FixedBytes + BlockRecord.MaxEncodingBytes + ChecksumBytes;

    private const uint Magic = 0x52465243;
    private const ushort Version = 1;
    private const int FixedBytes = 28 + BlockHash.Size;
    private const int ChecksumBytes = 8;

    public int Bytes => FixedBytes + Key.Encoding.Length + ChecksumBytes;

    /// <summary>Of header, record and padding.</summary>
    public long FrameBytes => DirectFile.Align((long)Bytes + RecordBytes);

    /// <param name="sequence">The place among all frames.</param>
    /// <param name="record">Empty for a removal.</param>
    public static FrameHeader For(RecordKey key, long sequence, ReadOnlySpan<byte> record) =>
        new(key, sequence, record.Length, XxHash3.HashToUInt64(record));

    /// <summary>Writes <see cref="Bytes"/> bytes.</summary>
    public void Write(Span<byte> to)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(to, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(to[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(to[6..], (ushort)Key.Encoding.Length);
        BinaryPrimitives.WriteInt64LittleEndian(to[8..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(to[16..], Checksum);
        BinaryPrimitives.WriteInt32LittleEndian(to[24..], RecordBytes);
        Key.Block.CopyTo(to[28..]);
        int end = FixedBytes + Encoding.ASCII.GetBytes(Key.Encoding, to[FixedBytes..]);
        BinaryPrimitives.WriteUInt64LittleEndian(to[end..], XxHash3.HashToUInt64(to[..end]));
    }

    /// <returns>Whether the bytes begin with a whole header that its checksum vouches for.</returns>
    public static bool TryRead(ReadOnlySpan<byte> from, out FrameHeader header)
    {
        header = default;
        if (from.Length < FixedBytes + ChecksumBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(from) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(from[4..]) != Version)
        {
            return false;
        }

        int end = FixedBytes + BinaryPrimitives.ReadUInt16LittleEndian(from[6..]);
        if (from.Length < end + ChecksumBytes || BinaryPrimitives.ReadUInt64LittleEndian(from[end..]) != XxHash3.HashToUInt64(from[..end]))
        {
            return false;
        }

        string encoding = Encoding.ASCII.GetString(from[FixedBytes..end]);
        header = new FrameHeader(
            new RecordKey(new BlockHash(from.Slice(28, BlockHash.Size)), encoding),
            BinaryPrimitives.ReadInt64LittleEndian(from[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(from[24..]),
            BinaryPrimitives.ReadUInt64LittleEndian(from[16..]));
        return header.RecordBytes >= 0;
    }

    /// <summary>Whether a frame that was read is whole and holds the record of a key, and where.</summary>
    public static FrameFault Open(ReadOnlySpan<byte> frame, RecordKey key, out ReadOnlySpan<byte> record)
    {
        record = default;
        if (!TryRead(frame, out var header) || header.Bytes + (long)header.RecordBytes > frame.Length)
        {
            return FrameFault.Corrupt;
        }

        if (header.Key != key || header.RecordBytes == 0)
        {
            return FrameFault.Mismatch;
        }

        record = frame.Slice(header.Bytes, header.RecordBytes);
        return XxHash3.HashToUInt64(record) == header.Checksum ? FrameFault.None : FrameFault.Corrupt;
    }
}

/// <summary>Why a frame is not what the index says.</summary>
internal enum FrameFault
{
    None,

    /// <summary>Cut off, or not what its checksums say.</summary>
    Corrupt,

    /// <summary>A whole frame, of another record.</summary>
    Mismatch,
}
