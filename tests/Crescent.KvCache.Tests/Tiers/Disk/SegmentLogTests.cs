using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;

namespace Crescent.KvCache.Tests.Tiers.Disk;

public sealed class SegmentLogTests : IDisposable
{
    private static readonly TestRecord Record = TestRecord.Of(seed: 1, bytes: 20_000);

    private readonly DiskFolder _folder = new();
    private readonly AlignedBuffer _buffer = new();

    public SegmentLogTests() => Directory.CreateDirectory(_folder.Path);

    public void Dispose()
    {
        _buffer.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void A_removal_that_comes_after_its_record_was_written_again_removes_nothing()
    {
        var (log, index) = Open();
        Append(log, index);
        index.Remove(Record.Key);
        Append(log, index);
        log.AppendRemoval(Record.Key, _buffer);
        log.Close(_buffer);

        Assert.Equal(Residence.Present, LookAfterRestart());
    }

    [Fact]
    public void A_removal_counts_from_where_it_stands()
    {
        var (log, index) = Open();
        Append(log, index);
        index.Remove(Record.Key);
        log.AppendRemoval(Record.Key, _buffer);
        log.Close(_buffer);

        Assert.Equal(Residence.Absent, LookAfterRestart());
    }

    [Fact]
    public void An_entry_that_was_removed_before_its_record_was_written_is_not_committed()
    {
        var (log, index) = Open();
        var entry = index.Begin(Record.Key, out _)!;
        index.Remove(Record.Key);
        var next = index.Begin(Record.Key, out _)!;

        Assert.False(log.TryAppend(entry, Record.Bytes, _buffer));
        Assert.False(index.IsPresent(Record.Key));
        Assert.True(log.TryAppend(next, Record.Bytes, _buffer));
        Assert.True(index.IsPresent(Record.Key));
        log.Close(_buffer);
    }

    private (SegmentLog Log, DiskIndex Index) Open()
    {
        var index = new DiskIndex();
        var log = new SegmentLog(_folder.Options, index, new TierCounters());
        log.Load(_buffer);
        return (log, index);
    }

    private void Append(SegmentLog log, DiskIndex index) =>
        Assert.True(log.TryAppend(index.Begin(Record.Key, out _)!, Record.Bytes, _buffer));

    private Residence LookAfterRestart()
    {
        var (log, index) = Open();
        var answers = new Residence[1];
        index.Look([Record.Key], answers);
        log.Close(_buffer);
        return answers[0];
    }
}
