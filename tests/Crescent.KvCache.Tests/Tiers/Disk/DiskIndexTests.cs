using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;

namespace Crescent.KvCache.Tests.Tiers.Disk;

public sealed class DiskIndexTests : IDisposable
{
    private static readonly TestRecord Record = TestRecord.Of(seed: 1);

    private readonly DiskFolder _folder = new();
    private readonly AlignedBuffer _buffer = new();
    private readonly DiskIndex _index = new();
    private readonly SegmentFile _segment;
    private readonly FramePlace _place;

    public DiskIndexTests()
    {
        Directory.CreateDirectory(_folder.Path);
        _segment = SegmentFile.Create(_folder.Path, id: 1, bytes: 1 << 16);
        var header = FrameHeader.For(Record.Key, sequence: 1, Record.Bytes);
        _place = new FramePlace(_segment, _segment.Append(header, Record.Bytes, _buffer), header.FrameBytes);
    }

    public void Dispose()
    {
        _segment.Dispose();
        _buffer.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_segment_that_is_given_up_stays_open_for_the_reads_that_have_begun()
    {
        Assert.True(_index.Commit(_index.Begin(Record.Key, out _)!, _place));
        Assert.True(_index.TryBeginRead(Record.Key, out _, out var first));
        Assert.True(_index.TryBeginRead(Record.Key, out _, out var second));

        Assert.Equal(1, _index.Retire(_segment));
        Assert.False(_index.TryBeginRead(Record.Key, out _, out _));
        _index.EndRead(first);
        Assert.Equal(FrameFault.None, FrameHeader.Open(_segment.Read(second.Offset, second.FrameBytes, _buffer), Record.Key, out _));

        _index.EndRead(second);
        Assert.Throws<ObjectDisposedException>(() => _segment.Read(second.Offset, second.FrameBytes, _buffer).Length);
    }

    [Fact]
    public void Removing_an_entry_leaves_alone_the_one_that_took_over_its_key()
    {
        var first = _index.Begin(Record.Key, out _)!;
        Assert.True(_index.Remove(Record.Key));
        var second = _index.Begin(Record.Key, out _)!;

        Assert.False(_index.Remove(first));
        Assert.False(_index.Commit(first, _place));
        Assert.True(_index.Commit(second, _place));
        Assert.Equal(1, _index.Records);
    }

    [Fact]
    public void Only_one_writer_begins()
    {
        var entry = _index.Begin(Record.Key, out var before);
        Assert.Equal(Residence.Absent, before);
        Assert.Null(_index.Begin(Record.Key, out before));
        Assert.Equal(Residence.InFlight, before);
        _index.Commit(entry!, _place);
        Assert.Null(_index.Begin(Record.Key, out before));
        Assert.Equal(Residence.Present, before);
    }
}
