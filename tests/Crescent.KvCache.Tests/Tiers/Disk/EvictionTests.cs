using Crescent.KvCache.Tiers;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>What stays when a tier is written over and over, and what that costs.</summary>
public sealed class EvictionTests : IDisposable
{
    private const int Capacity = 4 << 20;

    /// <summary>Of five pages each: a segment of 64 pages holds twelve, and a tier about 170 of them.</summary>
    private const int RecordBytes = 18_000;

    private readonly DiskFolder _folder = new(Capacity);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Never_takes_more_than_its_capacity_and_keeps_what_is_newest()
    {
        await using var tier = _folder.Open();
        var records = Enumerable.Range(0, 600).Select(i => TestRecord.Of(i, RecordBytes)).ToArray();
        foreach (var record in records)
        {
            Assert.True(await tier.WriteAsync(record));
            Assert.InRange(tier.GetStatus().Bytes, 1, Capacity);
            Assert.InRange(_folder.FileBytes, 1, Capacity);
        }

        var answers = await tier.LookupAsync(records);
        int first = Array.IndexOf(answers, Residence.Present);
        Assert.InRange(first, 400, 600 - (Capacity * 3 / 4 / (5 * 4096)));
        Assert.All(answers[first..], answer => Assert.Equal(Residence.Present, answer));
        var status = tier.GetStatus();
        Assert.Equal((600 - first, first), (status.Records, status.Evictions));
        Assert.Equal(1.0, Amplification(tier, 600));
    }

    [Fact]
    public async Task Records_in_use_outlive_four_times_the_capacity_of_others()
    {
        await using var tier = _folder.Open();
        var hot = Enumerable.Range(0, 30).Select(i => TestRecord.Of(i, RecordBytes)).ToArray();
        foreach (var record in hot)
        {
            await tier.WriteAsync(record);
        }

        const int Others = 700;
        for (int i = 0; i < Others; i++)
        {
            Assert.True(await tier.HasAsync(hot[i % hot.Length]));
            Assert.True(await tier.WriteAsync(TestRecord.Of(1_000 + i, RecordBytes)));
        }

        Assert.All(await tier.LookupAsync(hot), answer => Assert.Equal(Residence.Present, answer));
        Assert.InRange(Amplification(tier, Others + hot.Length), 1.1, 1.4);
    }

    [Fact]
    public async Task When_everything_is_in_use_half_of_the_writing_is_moving_at_most()
    {
        await using var tier = _folder.Open();
        var records = Enumerable.Range(0, 1_000).Select(i => TestRecord.Of(i, RecordBytes)).ToArray();
        for (int i = 0; i < records.Length; i++)
        {
            Assert.True(await tier.WriteAsync(records[i]));
            await tier.LookupAsync(records[..(i + 1)]);
        }

        Assert.InRange(Amplification(tier, records.Length), 1.5, 2.0);
        Assert.InRange(tier.GetStatus().Records, 100, 200);
    }

    [Fact]
    public async Task Records_that_moved_are_there_after_a_restart_and_removed_ones_are_not()
    {
        var hot = Enumerable.Range(0, 12).Select(i => TestRecord.Of(i, RecordBytes)).ToArray();
        await using (var tier = _folder.Open())
        {
            foreach (var record in hot)
            {
                await tier.WriteAsync(record);
            }

            for (int i = 0; i < 500; i++)
            {
                await tier.LookupAsync(hot);
                await tier.WriteAsync(TestRecord.Of(1_000 + i, RecordBytes));
                if (i == 250)
                {
                    await tier.RemoveAsync(hot[0]);
                }
            }

            using var left = _folder.Copy();
            await using var killed = left.Open();
            await AssertHotAsync(killed);
        }

        await using var next = _folder.Open();
        await AssertHotAsync(next);

        async Task AssertHotAsync(IKvTier tier)
        {
            Assert.Empty(tier.GetStatus().Failures);
            Assert.False(await tier.HasAsync(hot[0]));
            Assert.All(hot[1..], record => Assert.True(tier.HasAsync(record).Result));
        }
    }

    [Fact]
    public async Task A_record_that_went_bad_is_not_moved_on_with_a_checksum_of_its_own()
    {
        await using var tier = _folder.Open();
        var hot = TestRecord.Of(0, RecordBytes);
        await tier.WriteAsync(hot);
        using (var file = new FileStream(_folder.Segments[0], FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.Position = 10_000;
            file.Write(new byte[4]);
        }

        for (int i = 1; i < 400; i++)
        {
            await tier.LookupAsync(hot);
            await tier.WriteAsync(TestRecord.Of(i, RecordBytes));
        }

        Assert.Equal(1, tier.Failures("corrupt"));
        Assert.Equal(Residence.Absent, await tier.LookupAsync(hot));
    }

    [Fact]
    public async Task Whoever_reads_and_writes_while_segments_come_and_go_reads_right_bytes()
    {
        await using var tier = Crescent.KvCache.Tiers.Disk.DiskTier.Open(_folder.Options with { CapacityBytes = 1 << 20 });
        var records = Enumerable.Range(0, 120).Select(i => TestRecord.Of(i, 4_000 + (i * 100))).ToArray();
        int steps = LongProofs.Count(400, 8_000);
        int hits = 0;

        await Task.WhenAll(Enumerable.Range(0, 8).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            for (int step = 0; step < steps; step++)
            {
                var record = records[random.Next(records.Length)];
                switch (random.Next(12))
                {
                    case 0:
                        await tier.RemoveAsync(record);
                        break;
                    case < 6:
                        await tier.WriteAsync(record);
                        break;
                    default:
                        Interlocked.Add(ref hits, await tier.HasAsync(record) ? 1 : 0);
                        break;
                }
            }
        })));

        Assert.True(hits > 100, $"only {hits} reads hit");
        Assert.True(tier.GetStatus().Evictions > 0);
        Assert.Empty(tier.GetStatus().Failures.Keys.Except(["queue"]));
        Assert.InRange(tier.GetStatus().Bytes, 1, 1 << 20);
    }

    /// <summary>Frame bytes that were written for each that somebody asked to write.</summary>
    private static double Amplification(Crescent.KvCache.Tiers.Disk.DiskTier tier, int records) => tier.AppendedBytes / (records * 5.0 * 4096);
}
