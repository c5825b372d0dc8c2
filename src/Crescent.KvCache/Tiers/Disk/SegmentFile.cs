using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.IO.Hashing;
using Microsoft.Win32.SafeHandles;

namespace Crescent.KvCache.Tiers.Disk;

/// <summary>
/// A file of frames, one behind the other. Within a frame the first page, which holds the header, is written last: a
/// header that is there says that its record is too, unless power was lost, and then the checksums say so. A segment
/// that gets no more frames is sealed with a footer, so that opening it again reads no headers:
/// <code>
/// frames
/// per frame: offset i64 | header
/// zeros | "CRFT" u32 | frames i32 | offset of the footer i64 | XXH3 of the footer so far u64
/// </code>
/// Changed by the log's thread only; any thread may read frames.
/// </summary>
internal sealed class SegmentFile : IDisposable
{
    public const string Extension = ".segment";

    private const uint FooterMagic = 0x54465243;
    private const int TrailerBytes = 24;

    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private ArrayBufferWriter<byte>? _footer = new();
    private int _frames;

    private SegmentFile(SafeFileHandle handle, string path)
    {
        _handle = handle;
        _path = path;
    }

    /// <summary>Where the next frame goes.</summary>
    public long End { get; private set; }

    /// <summary>What the file takes of the disk.</summary>
    public long AllocatedBytes { get; private set; }

    /// <summary>Every record that was written here; those that the index has elsewhere, or no more, are dead.</summary>
    public List<DiskEntry> Entries { get; } = [];

    /// <summary>Reads that go on; guarded by the index.</summary>
    public int Readers { get; set; }

    /// <summary>No entry is here any more, and the last reader closes the file; guarded by the index.</summary>
    public bool Retired { get; set; }

    /// <summary>Whether opening found bytes that are neither frames nor the end.</summary>
    public bool Damaged { get; private set; }

    /// <summary>Whether a footer was found when opening, or was written, and stands there still.</summary>
    public bool HasFooter { get; private set; }

    /// <summary>A new file with all its space claimed.</summary>
    /// <param name="id">Grows from segment to segment.</param>
    public static SegmentFile Create(string directory, long id, long bytes)
    {
        string path = Path.Combine(directory, id.ToString("x16", CultureInfo.InvariantCulture) + Extension);
        var segment = new SegmentFile(DirectFile.Open(path, FileMode.CreateNew), path);
        try
        {
            segment.Reserve(bytes);
            return segment;
        }
        catch
        {
            segment.Dispose();
            segment.Delete();
            throw;
        }
    }

    /// <summary>Opens a file that an earlier process left.</summary>
    /// <param name="onFrame">Is told each frame's offset and header, in order.</param>
    public static SegmentFile Load(string path, AlignedBuffer buffer, Action<SegmentFile, long, FrameHeader> onFrame)
    {
        var segment = new SegmentFile(DirectFile.Open(path, FileMode.Open), path);
        try
        {
            segment.AllocatedBytes = DirectFile.Align(RandomAccess.GetLength(segment._handle));
            var frames = segment.ReadFooter(buffer);
            segment.HasFooter = frames is not null;
            foreach (var (offset, header) in frames ?? segment.Scan(buffer))
            {
                onFrame(segment, offset, header);
            }

            return segment;
        }
        catch
        {
            segment.Dispose();
            throw;
        }
    }

    public static bool TryParseId(string path, out long id) =>
        long.TryParse(Path.GetFileNameWithoutExtension(path), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);

    /// <summary>Whether a frame fits into a segment of so many bytes, with the footer that names it.</summary>
    public bool HasRoom(FrameHeader header, long segmentBytes) =>
        End + header.FrameBytes + FooterBytes((_footer?.WrittenCount ?? 0) + sizeof(long) + header.Bytes) <= segmentBytes;

    /// <summary>The largest frame that fits into an empty segment.</summary>
    public static long LargestFrame(long segmentBytes) => segmentBytes - FooterBytes(sizeof(long) + FrameHeader.MaxBytes);

    /// <summary>Takes frames again: what stands behind the last one is cut off.</summary>
    public void Reopen(long bytes)
    {
        HasFooter = false;
        RandomAccess.SetLength(_handle, End);
        Reserve(bytes);
    }

    /// <returns>The frame's offset.</returns>
    public long Append(FrameHeader header, ReadOnlySpan<byte> record, AlignedBuffer buffer)
    {
        var frame = buffer.Get((int)header.FrameBytes);
        header.Write(frame);
        record.CopyTo(frame[header.Bytes..]);
        frame[(header.Bytes + record.Length)..].Clear();
        RandomAccess.Write(_handle, frame[DirectFile.Alignment..], End + DirectFile.Alignment);
        RandomAccess.Write(_handle, frame[..DirectFile.Alignment], End);
        return Add(header);
    }

    /// <summary>Reads the frame at an offset; less than was asked for when the file ends before.</summary>
    public ReadOnlySpan<byte> Read(long offset, long frameBytes, AlignedBuffer buffer)
    {
        var frame = buffer.Get((int)frameBytes);
        return frame[..ReadFully(offset, frame)];
    }

    /// <summary>Writes the footer and gives back the space that was not used.</summary>
    public void Seal(AlignedBuffer buffer)
    {
        var entries = _footer!.WrittenSpan;
        var footer = buffer.Get((int)FooterBytes(entries.Length));
        footer.Clear();
        entries.CopyTo(footer);
        var trailer = footer[^TrailerBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(trailer, FooterMagic);
        BinaryPrimitives.WriteInt32LittleEndian(trailer[4..], _frames);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[8..], End);
        BinaryPrimitives.WriteUInt64LittleEndian(trailer[16..], XxHash3.HashToUInt64(footer[..^8]));
        RandomAccess.Write(_handle, footer, End);
        RandomAccess.SetLength(_handle, End + footer.Length);
        AllocatedBytes = End + footer.Length;
        HasFooter = true;
    }

    /// <summary>Takes no more frames; a segment without a footer is scanned when it is opened again.</summary>
    public void Close() => _footer = null;

    public void Delete() => File.Delete(_path);

    public void Dispose() => _handle.Dispose();

    private static long FooterBytes(int entries) => DirectFile.Align((long)entries + TrailerBytes);

    private void Reserve(long bytes)
    {
        DirectFile.Reserve(_handle, bytes);
        AllocatedBytes = bytes;
    }

    private long Add(FrameHeader header)
    {
        long offset = End;
        var entry = _footer!.GetSpan(sizeof(long) + header.Bytes);
        BinaryPrimitives.WriteInt64LittleEndian(entry, offset);
        header.Write(entry[sizeof(long)..]);
        _footer.Advance(sizeof(long) + header.Bytes);
        _frames++;
        End += header.FrameBytes;
        return offset;
    }

    /// <summary>The frames by the footer; null when there is none that can be trusted.</summary>
    private List<(long Offset, FrameHeader Header)>? ReadFooter(AlignedBuffer buffer)
    {
        long length = RandomAccess.GetLength(_handle);
        if (length < DirectFile.Alignment || length % DirectFile.Alignment != 0)
        {
            return null;
        }

        var page = Read(length - DirectFile.Alignment, DirectFile.Alignment, buffer);
        if (page.Length < TrailerBytes || BinaryPrimitives.ReadUInt32LittleEndian(page[^TrailerBytes..]) != FooterMagic)
        {
            return null;
        }

        int frames = BinaryPrimitives.ReadInt32LittleEndian(page[^(TrailerBytes - 4)..]);
        long start = BinaryPrimitives.ReadInt64LittleEndian(page[^(TrailerBytes - 8)..]);
        if (start < 0 || start > length - DirectFile.Alignment || start % DirectFile.Alignment != 0 || length - start > int.MaxValue)
        {
            return null;
        }

        var footer = Read(start, length - start, buffer);
        return footer.Length == length - start
            && BinaryPrimitives.ReadUInt64LittleEndian(footer[^8..]) == XxHash3.HashToUInt64(footer[..^8])
            ? ParseFooter(footer, frames, start)
            : null;
    }

    private List<(long Offset, FrameHeader Header)>? ParseFooter(ReadOnlySpan<byte> footer, int frames, long start)
    {
        var found = new List<(long, FrameHeader)>();
        for (int i = 0; i < frames; i++)
        {
            if (footer.Length < sizeof(long)
                || BinaryPrimitives.ReadInt64LittleEndian(footer) != End
                || !FrameHeader.TryRead(footer[sizeof(long)..], out var header))
            {
                break;
            }

            footer = footer[(sizeof(long) + header.Bytes)..];
            found.Add((Add(header), header));
        }

        if (found.Count == frames && End == start)
        {
            return found;
        }

        Forget();
        return null;
    }

    /// <summary>The frames by their headers, up to the first that is none.</summary>
    private List<(long Offset, FrameHeader Header)> Scan(AlignedBuffer buffer)
    {
        long length = RandomAccess.GetLength(_handle);
        var found = new List<(long, FrameHeader)>();
        long sequence = -1;
        while (End < length)
        {
            var page = Read(End, DirectFile.Alignment, buffer);
            if (!FrameHeader.TryRead(page, out var header) || header.Sequence <= sequence || End + header.FrameBytes > length)
            {
                // Zeros are a frame whose first page was never written: the one that a killed process was at.
                Damaged = page.ContainsAnyExcept((byte)0);
                break;
            }

            sequence = header.Sequence;
            found.Add((Add(header), header));
        }

        return found;
    }

    private void Forget()
    {
        _footer!.Clear();
        _frames = 0;
        End = 0;
    }

    private int ReadFully(long offset, Span<byte> to)
    {
        int done = 0;
        while (done < to.Length)
        {
            int read = RandomAccess.Read(_handle, to[done..], offset + done);
            if (read == 0)
            {
                break;
            }

            done += read;
        }

        return done;
    }
}
