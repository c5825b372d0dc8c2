using System.Buffers.Binary;
using System.IO.Hashing;
using System.Text;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tiers;

/// <summary>Why bytes are not the record that was asked for.</summary>
public enum RecordFault
{
    None,

    /// <summary>Too short, another format, or lengths that contradict each other.</summary>
    Malformed,

    /// <summary>Another block, encoding or tokens than asked for: a right key with a wrong value.</summary>
    Mismatch,

    /// <summary>The header or a layer is not what its checksum says.</summary>
    Checksum,
}

/// <summary>
/// A block on its way through tiers: a header, then each layer as its encoding spells it. One layer can be read and
/// verified alone. Little-endian:
/// <code>
/// "CRKV" | version u16 | encoding length u16 | tokens u16 | layers u16 | own hash 32 | parent hash 32
/// encoding, ASCII | token ids i32 each | per layer: offset u32, length u32, checksum u64 | checksum of all this u64
/// layers, in order, without gaps
/// </code>
/// Checksums are XXH3 of 64 bits: against accidents. Identity is SHA-256: the own hash is computed again from the
/// parent's and the tokens.
/// </summary>
public readonly struct BlockRecord
{
    public const int MaxEncodingBytes = 64;

    /// <summary>Where the parent's hash begins, for tiers that evict leaves first.</summary>
    internal const int ParentOffset = 12 + BlockHash.Size;

    private const uint Magic = 0x564B5243;
    private const ushort Version = 1;
    private const int FixedBytes = 12 + (2 * BlockHash.Size);
    private const int LayerBytes = 16;
    private const int ChecksumBytes = 8;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly int _table;

    private BlockRecord(ReadOnlyMemory<byte> bytes, int table, int layers)
    {
        _bytes = bytes;
        _table = table;
        Layers = layers;
    }

    public int Layers { get; }

    /// <summary>Bytes before the first layer.</summary>
    public static int HeaderBytes(int encodingBytes, int tokens, int layers) =>
        FixedBytes + encodingBytes + (tokens * sizeof(int)) + (layers * LayerBytes) + ChecksumBytes;

    /// <summary>Writes the header of a record whose layers already stand behind it, one after the other.</summary>
    /// <param name="record">The whole record; its first bytes are overwritten.</param>
    /// <param name="key">Its encoding is ASCII.</param>
    /// <param name="layerLengths">Bytes of each layer.</param>
    /// <exception cref="ArgumentException">The lengths do not add up to the record's, or the encoding's name is too long or not ASCII.</exception>
    public static void WriteHeader(Span<byte> record, RecordKey key, BlockHash parent, ReadOnlySpan<int> tokens, ReadOnlySpan<int> layerLengths)
    {
        int encodingBytes = EncodingBytes(key);
        int header = HeaderBytes(encodingBytes, tokens.Length, layerLengths.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(record, Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(record[4..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(record[6..], checked((ushort)encodingBytes));
        BinaryPrimitives.WriteUInt16LittleEndian(record[8..], checked((ushort)tokens.Length));
        BinaryPrimitives.WriteUInt16LittleEndian(record[10..], checked((ushort)layerLengths.Length));
        key.Block.CopyTo(record[12..]);
        parent.CopyTo(record[ParentOffset..]);
        int at = FixedBytes + Encoding.ASCII.GetBytes(key.Encoding, record[FixedBytes..]);
        foreach (int token in tokens)
        {
            BinaryPrimitives.WriteInt32LittleEndian(record[at..], token);
            at += sizeof(int);
        }

        int offset = header;
        foreach (int length in layerLengths)
        {
            BinaryPrimitives.WriteInt32LittleEndian(record[at..], offset);
            BinaryPrimitives.WriteInt32LittleEndian(record[(at + 4)..], length);
            BinaryPrimitives.WriteUInt64LittleEndian(record[(at + 8)..], XxHash3.HashToUInt64(record.Slice(offset, length)));
            at += LayerBytes;
            offset += length;
        }

        if (offset != record.Length)
        {
            throw new ArgumentException($"layers end at {offset}, the record at {record.Length}", nameof(layerLengths));
        }

        BinaryPrimitives.WriteUInt64LittleEndian(record[at..], XxHash3.HashToUInt64(record[..at]));
    }

    /// <summary>
    /// Checks everything but the layers' own bytes: format, checksum of the header, encoding, token ids, and that the own
    /// hash is both the key's and that of the parent and the tokens.
    /// </summary>
    public static RecordFault TryOpen(
        ReadOnlyMemory<byte> bytes, RecordKey key, BlockHash parent, ReadOnlySpan<int> tokens, int layers, out BlockRecord record)
    {
        record = default;
        var span = bytes.Span;
        if (span.Length < FixedBytes
            || BinaryPrimitives.ReadUInt32LittleEndian(span) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(span[4..]) != Version)
        {
            return RecordFault.Malformed;
        }

        int encodingBytes = BinaryPrimitives.ReadUInt16LittleEndian(span[6..]);
        int tokenCount = BinaryPrimitives.ReadUInt16LittleEndian(span[8..]);
        int layerCount = BinaryPrimitives.ReadUInt16LittleEndian(span[10..]);
        int header = HeaderBytes(encodingBytes, tokenCount, layerCount);
        if (span.Length < header)
        {
            return RecordFault.Malformed;
        }

        int end = header - ChecksumBytes;
        if (BinaryPrimitives.ReadUInt64LittleEndian(span[end..]) != XxHash3.HashToUInt64(span[..end]))
        {
            return RecordFault.Checksum;
        }

        if (layerCount != layers || !IsFor(span, key, parent, tokens, encodingBytes, tokenCount))
        {
            return RecordFault.Mismatch;
        }

        record = new BlockRecord(bytes, end - (layerCount * LayerBytes), layerCount);
        return record.LayersAreWhole(header) ? RecordFault.None : RecordFault.Malformed;
    }

    /// <summary>A layer's encoded bytes, verified; none with a fault.</summary>
    public RecordFault TryGetLayer(int layer, out ReadOnlyMemory<byte> encoded)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(layer);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(layer, Layers);
        var (offset, length, checksum) = Entry(layer);
        var bytes = _bytes.Slice(offset, length);
        bool right = XxHash3.HashToUInt64(bytes.Span) == checksum;
        encoded = right ? bytes : default;
        return right ? RecordFault.None : RecordFault.Checksum;
    }

    /// <exception cref="ArgumentException">The name is too long or not ASCII.</exception>
    internal static int EncodingBytes(RecordKey key) => key.Encoding.Length <= MaxEncodingBytes && Ascii.IsValid(key.Encoding)
        ? key.Encoding.Length
        : throw new ArgumentException($"an encoding's name is at most {MaxEncodingBytes} ASCII characters: {key.Encoding}", nameof(key));

    private static bool IsFor(ReadOnlySpan<byte> span, RecordKey key, BlockHash parent, ReadOnlySpan<int> tokens, int encodingBytes, int tokenCount)
    {
        if (new BlockHash(span.Slice(12, BlockHash.Size)) != key.Block
            || new BlockHash(span.Slice(ParentOffset, BlockHash.Size)) != parent
            || tokenCount != tokens.Length
            || Encoding.ASCII.GetString(span.Slice(FixedBytes, encodingBytes)) != key.Encoding)
        {
            return false;
        }

        var ids = span[(FixedBytes + encodingBytes)..];
        for (int i = 0; i < tokens.Length; i++)
        {
            if (BinaryPrimitives.ReadInt32LittleEndian(ids[(i * sizeof(int))..]) != tokens[i])
            {
                return false;
            }
        }

        return BlockChain.Next(parent, tokens) == key.Block;
    }

    private bool LayersAreWhole(int header)
    {
        long at = header;
        for (int layer = 0; layer < Layers; layer++)
        {
            var (offset, length, _) = Entry(layer);
            if (offset != at || length < 0)
            {
                return false;
            }

            at += length;
        }

        return at == _bytes.Length;
    }

    private (int Offset, int Length, ulong Checksum) Entry(int layer)
    {
        var entry = _bytes.Span.Slice(_table + (layer * LayerBytes), LayerBytes);
        return (
            BinaryPrimitives.ReadInt32LittleEndian(entry),
            BinaryPrimitives.ReadInt32LittleEndian(entry[4..]),
            BinaryPrimitives.ReadUInt64LittleEndian(entry[8..]));
    }
}
