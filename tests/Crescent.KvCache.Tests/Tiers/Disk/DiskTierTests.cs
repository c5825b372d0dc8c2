using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;

namespace Crescent.KvCache.Tests.Tiers.Disk;

public sealed class DiskTierTests : IDisposable
{
    private static readonly TestRecord Record = TestRecord.Of(seed: 1, bytes: 20_000);
    private static readonly TestRecord Other = TestRecord.Of(seed: 2, bytes: 20_000);

    private readonly DiskFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Gives_back_what_was_written_and_counts()
    {
        await using var tier = _folder.Open();

        Assert.False(await tier.HasAsync(Record));
        Assert.True(await tier.WriteAsync(Record));
        Assert.True(await tier.WriteAsync(Record));
        Assert.Equal([Residence.Present, Residence.Absent], await tier.LookupAsync(Record, Other));
        Assert.True(await tier.HasAsync(Record));
        Assert.Null(await tier.ReadAsync(Record.Key with { Encoding = "int8" }, default));

        var status = tier.GetStatus();
        Assert.Equal((1, 256 << 10, 4 << 20), (status.Records, status.Bytes, status.CapacityBytes));
        Assert.Equal((1, 2, 1, 0), (status.Hits, status.Misses, status.Writes, status.Evictions));
        Assert.Empty(status.Failures);
    }

    [Fact]
    public async Task A_record_is_in_flight_until_it_is_written()
    {
        await using var tier = _folder.Open();
        using var block = new Block(tier.Writer);
        var writing = tier.WriteAsync(Record);

        Assert.Equal(Residence.InFlight, await tier.LookupAsync(Record));
        Assert.False(await tier.HasAsync(Record));
        Assert.False(await tier.WriteAsync(Record));
        Assert.Equal(0, tier.GetStatus().Records);

        block.End();
        Assert.True(await writing);
        Assert.Equal(Residence.Present, await tier.LookupAsync(Record));
    }

    [Fact]
    public async Task A_full_queue_refuses_at_once()
    {
        await using var tier = DiskTier.Open(_folder.Options with { QueuedWrites = 1, QueuedReads = 0 });
        using var block = new Block(tier.Writer);
        var writing = tier.WriteAsync(Record);

        Assert.False(await tier.WriteAsync(Other));
        Assert.Equal(Residence.Absent, await tier.LookupAsync(Other));
        Assert.Equal(1, tier.Failures("queue"));

        block.End();
        Assert.True(await writing);
        Assert.False(await tier.HasAsync(Record));
        Assert.Equal(2, tier.Failures("queue"));
    }

    [Fact]
    public async Task A_write_that_is_cancelled_in_the_queue_never_happens()
    {
        await using var tier = _folder.Open();
        using var block = new Block(tier.Writer);
        using var cancellation = new CancellationTokenSource();
        var writing = tier.WriteAsync(Record.Key, Record.Bytes, cancellation.Token).AsTask();
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing);
        Assert.Equal(Residence.Absent, await tier.LookupAsync(Record));
        block.End();
        Assert.True(await tier.WriteAsync(Record));
        Assert.Equal(1, tier.GetStatus().Writes);
    }

    [Fact]
    public async Task A_record_that_is_removed_in_flight_does_not_appear()
    {
        await using (var tier = _folder.Open())
        {
            using var block = new Block(tier.Writer);
            var writing = tier.WriteAsync(Record);
            var removing = tier.RemoveAsync(Record);
            block.End();
            await removing;

            Assert.False(await writing);
            Assert.False(await tier.HasAsync(Record));
        }

        await using var next = _folder.Open();
        Assert.False(await next.HasAsync(Record));
    }

    [Fact]
    public async Task A_removed_record_stays_away_and_can_be_written_again()
    {
        await _folder.FillAsync(Record, Other);
        await using (var tier = _folder.Open())
        {
            await tier.RemoveAsync(Record);
            await tier.RemoveAsync(Record);
            Assert.False(await tier.HasAsync(Record));
        }

        await using (var tier = _folder.Open())
        {
            Assert.Equal([Residence.Absent, Residence.Present], await tier.LookupAsync(Record, Other));
            Assert.True(await tier.WriteAsync(Record));
        }

        await using var last = _folder.Open();
        Assert.True(await last.HasAsync(Record));
    }

    [Fact]
    public async Task A_record_that_is_removed_and_at_once_written_again_is_there_after_a_restart()
    {
        await using (var tier = _folder.Open())
        {
            await tier.WriteAsync(Record);
            using var block = new Block(tier.Writer);
            var removing = tier.RemoveAsync(Record);
            var writing = tier.WriteAsync(Record);
            block.End();
            await removing;
            Assert.True(await writing);
        }

        await using var next = _folder.Open();
        Assert.True(await next.HasAsync(Record));
    }

    [Fact]
    public async Task A_record_larger_than_a_segment_is_refused()
    {
        await using var tier = _folder.Open();

        Assert.False(await tier.WriteAsync(TestRecord.Of(seed: 3, bytes: 256 << 10)));
        Assert.Equal(1, tier.Failures("oversized"));
        Assert.True(await tier.WriteAsync(TestRecord.Of(seed: 3, bytes: 240 << 10)));
        Assert.True(await tier.HasAsync(TestRecord.Of(seed: 3, bytes: 240 << 10)));
    }

    [Fact]
    public async Task What_no_tier_could_store_is_a_mistake()
    {
        await using var tier = _folder.Open();

        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await tier.WriteAsync(Record.Key, default, default));
        await Assert.ThrowsAnyAsync<ArgumentException>(async () => await tier.WriteAsync(Record.Key with { Encoding = "é" }, Record.Bytes, default));
        Assert.Throws<ArgumentOutOfRangeException>(() => DiskTier.Open(_folder.Options with { CapacityBytes = (1 << 20) - 1 }));
        Assert.Throws<ArgumentOutOfRangeException>(() => DiskTier.Open(_folder.Options with { SegmentBytes = 4096 }));
    }

    [Fact]
    public async Task A_closed_tier_misses_and_refuses()
    {
        var tier = _folder.Open();
        await tier.WriteAsync(Record);
        await tier.DisposeAsync();
        await tier.DisposeAsync();

        Assert.False(await tier.HasAsync(Record));
        Assert.False(await tier.WriteAsync(Other));
        await tier.RemoveAsync(Record);
    }

    [Fact]
    public async Task Closing_finishes_what_is_queued()
    {
        Task<bool>[] writing;
        await using (var tier = _folder.Open())
        {
            writing = [.. Enumerable.Range(0, 20).Select(i => tier.WriteAsync(TestRecord.Of(i, 20_000)))];
        }

        Assert.All(await Task.WhenAll(writing), Assert.True);
        await using var next = _folder.Open();
        Assert.Equal(20, next.GetStatus().Records);
    }
}
