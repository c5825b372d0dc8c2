using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Host;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Host;

public class HostTierTests
{
    private const int Page = PageArena.PageBytes;

    [Fact]
    public async Task Gives_back_what_was_written_and_counts()
    {
        await using var tier = new HostTier(10 * Page);
        var record = TestRecord.Of(seed: 1, bytes: 3 * Page);

        Assert.False(await tier.HasAsync(record));
        Assert.Equal(Residence.Absent, await tier.LookupAsync(record));
        Assert.True(await tier.WriteAsync(record));
        Assert.True(await tier.WriteAsync(record));
        Assert.Equal(Residence.Present, await tier.LookupAsync(record));
        Assert.True(await tier.HasAsync(record));

        var status = tier.GetStatus();
        Assert.Equal((1, 4 * Page, 10 * Page), (status.Records, status.Bytes, status.CapacityBytes));
        Assert.Equal((1, 1, 1, 0), (status.Hits, status.Misses, status.Writes, status.Evictions));
        Assert.Empty(status.Failures);
        tier.CheckIntegrity();
    }

    [Fact]
    public async Task The_encoding_is_part_of_the_key()
    {
        await using var tier = new HostTier(10 * Page);
        var record = TestRecord.Of(seed: 1);
        await tier.WriteAsync(record);

        Assert.Null(await tier.ReadAsync(record.Key with { Encoding = "int8" }, default));
    }

    [Fact]
    public async Task A_removed_record_is_gone_and_so_are_its_bytes()
    {
        await using var tier = new HostTier(10 * Page);
        var record = TestRecord.Of(seed: 1);
        await tier.WriteAsync(record);
        await tier.RemoveAsync(record);
        await tier.RemoveAsync(record);

        Assert.False(await tier.HasAsync(record));
        Assert.Equal((0, 0), (tier.GetStatus().Records, tier.GetStatus().Bytes));
        Assert.True(await tier.WriteAsync(record));
        tier.CheckIntegrity();
    }

    [Fact]
    public async Task What_was_not_looked_up_for_longest_makes_room()
    {
        await using var tier = new HostTier(3 * Page);
        var records = Records(4);
        foreach (var record in records[..3])
        {
            await tier.WriteAsync(record);
        }

        await tier.LookupAsync(records[0]);
        await tier.WriteAsync(records[3]);

        Assert.Equal([Residence.Present, Residence.Absent, Residence.Present, Residence.Present], await tier.LookupAsync(records));
        Assert.Equal(1, tier.GetStatus().Evictions);
    }

    [Fact]
    public async Task Of_a_chain_that_was_looked_up_the_last_block_goes_first()
    {
        await using var tier = new HostTier(3 * Page);
        var records = Records(5);
        foreach (var record in records[..3])
        {
            await tier.WriteAsync(record);
        }

        await tier.LookupAsync(records[..3]);
        await tier.WriteAsync(records[3]);
        await tier.WriteAsync(records[4]);

        Assert.Equal([Residence.Present, Residence.Absent, Residence.Absent], await tier.LookupAsync(records[..3]));
    }

    [Fact]
    public async Task A_record_larger_than_all_of_it_is_refused_and_evicts_nothing()
    {
        await using var tier = new HostTier(3 * Page);
        var small = TestRecord.Of(seed: 1);
        await tier.WriteAsync(small);

        Assert.False(await tier.WriteAsync(TestRecord.Of(seed: 2, bytes: 4 * Page)));
        Assert.True(await tier.HasAsync(small));
        Assert.Equal(1, tier.Failures("oversized"));
    }

    [Fact]
    public async Task Cancelled_calls_change_nothing()
    {
        await using var tier = new HostTier(3 * Page);
        var record = TestRecord.Of(seed: 1);
        var cancelled = new CancellationToken(canceled: true);

        await Assert.ThrowsAsync<OperationCanceledException>(async () => await tier.WriteAsync(record.Key, record.Bytes, cancelled));
        await Assert.ThrowsAsync<OperationCanceledException>(async () => await tier.ReadAsync(record.Key, cancelled));
        Assert.Equal(Residence.Absent, await tier.LookupAsync(record));
    }

    [Fact]
    public async Task A_closed_tier_misses_and_refuses()
    {
        var tier = new HostTier(3 * Page);
        var record = TestRecord.Of(seed: 1);
        await tier.WriteAsync(record);
        await tier.DisposeAsync();
        await tier.DisposeAsync();

        Assert.False(await tier.HasAsync(record));
        Assert.False(await tier.WriteAsync(record));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Holds_what_a_naive_least_recently_used_cache_holds(int seed)
    {
        var random = new Random(seed);
        var records = Enumerable.Range(0, 40).Select(i => TestRecord.Of(i, random.Next(100, 4 * Page))).ToArray();
        const int Pages = 24;
        await using var tier = new HostTier(Pages * Page);
        var naive = new List<TestRecord>();
        for (int step = 0; step < LongProofs.Count(3_000, 40_000); step++)
        {
            var record = records[random.Next(records.Length)];
            switch (random.Next(8))
            {
                case 0:
                    await tier.RemoveAsync(record);
                    naive.Remove(record);
                    break;
                case < 4:
                    Assert.True(await tier.WriteAsync(record));
                    if (!naive.Contains(record))
                    {
                        naive.Insert(0, record);
                        while (naive.Sum(PagesOf) > Pages)
                        {
                            naive.RemoveAt(naive.Count - 1);
                        }
                    }

                    break;
                case < 6:
                    Assert.Equal(naive.Contains(record), await tier.LookupAsync(record) == Residence.Present);
                    if (naive.Remove(record))
                    {
                        naive.Insert(0, record);
                    }

                    break;
                default:
                    Assert.Equal(naive.Contains(record), await tier.HasAsync(record));
                    break;
            }

            Assert.Equal((naive.Count, naive.Sum(PagesOf) * Page), (tier.GetStatus().Records, tier.GetStatus().Bytes));
        }

        tier.CheckIntegrity();
    }

    [Fact]
    public async Task Whoever_reads_while_others_evict_and_remove_reads_right_bytes()
    {
        // Room for a few of many records: pages change hands all the time.
        await using var tier = new HostTier(12 * Page);
        var records = Enumerable.Range(0, 24).Select(i => TestRecord.Of(i, (2 * Page) + (i * 100))).ToArray();
        int steps = LongProofs.Count(3_000, 100_000);
        int hits = 0;

        await Task.WhenAll(Enumerable.Range(0, 6).Select(thread => Task.Run(async () =>
        {
            var random = new Random(thread);
            for (int step = 0; step < steps; step++)
            {
                var record = records[random.Next(records.Length)];
                if (random.Next(3) == 0)
                {
                    await tier.WriteAsync(record);
                }
                else if (random.Next(10) == 0)
                {
                    await tier.RemoveAsync(record);
                }
                else if (await tier.HasAsync(record))
                {
                    Interlocked.Increment(ref hits);
                }
            }
        })));

        Assert.True(hits > 100, $"only {hits} reads hit");
        tier.CheckIntegrity();
    }

    [Fact]
    public async Task Closing_while_others_read_and_write_takes_no_bytes_from_under_them()
    {
        for (int round = 0; round < 20; round++)
        {
            var tier = new HostTier(16 * Page);
            var records = Enumerable.Range(0, 8).Select(i => TestRecord.Of(i, 2 * Page)).ToArray();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(async () =>
            {
                for (int step = 0; step < 50; step++)
                {
                    var record = records[(thread + step) % records.Length];
                    await tier.WriteAsync(record);
                    await tier.HasAsync(record);
                    if (thread == 3 && step == 25)
                    {
                        await tier.DisposeAsync();
                    }
                }
            })));

            Assert.Equal(0, tier.GetStatus().Bytes);
        }
    }

    private static int PagesOf(TestRecord record) => PageArena.PagesFor(record.Bytes.Length);

    /// <summary>Of one page each.</summary>
    private static TestRecord[] Records(int count) => [.. Enumerable.Range(0, count).Select(i => TestRecord.Of(i))];
}
