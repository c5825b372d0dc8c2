using Crescent.KvCache.Tiers;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>What is found in a directory that an earlier process left, whole or not.</summary>
public sealed class RestartTests : IDisposable
{
    private const int Page = 4096;

    /// <summary>Of six pages each, so that a segment of 64 pages holds ten, and its footer.</summary>
    private static readonly TestRecord[] Records = [.. Enumerable.Range(0, 25).Select(i => TestRecord.Of(i, 22_000))];

    private readonly DiskFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task All_records_are_there_after_a_clean_end()
    {
        await _folder.FillAsync(Records);
        await using var tier = _folder.Open();

        await AssertHasAsync(tier, Records);
        Assert.Equal(Records.Length, tier.GetStatus().Records);
        Assert.Empty(tier.GetStatus().Failures);
    }

    [Fact]
    public async Task All_committed_records_are_there_after_an_end_without_footers()
    {
        await using var running = _folder.Open();
        foreach (var record in Records)
        {
            await running.WriteAsync(record);
        }

        using var left = _folder.Copy();
        await using var tier = left.Open();

        await AssertHasAsync(tier, Records);
        Assert.Empty(tier.GetStatus().Failures);
    }

    [Fact]
    public async Task The_last_segment_goes_on_where_it_ended()
    {
        foreach (var record in Records[..4])
        {
            await _folder.FillAsync(record);
        }

        Assert.Single(_folder.Segments);
        await using var tier = _folder.Open();
        await AssertHasAsync(tier, Records[..4]);
    }

    [Fact]
    public async Task Sealed_segments_are_opened_by_their_footers()
    {
        await _folder.FillAsync(Records);
        Overwrite(_folder.Segments[0], 0, Page);
        await using var tier = _folder.Open();

        // Found without a look at the header that is gone now, and missed when it is read.
        Assert.Equal(Residence.Present, await tier.LookupAsync(Records[0]));
        Assert.False(await tier.HasAsync(Records[0]));
        await AssertHasAsync(tier, Records[1..]);
        Assert.Equal(1, tier.Failures("corrupt"));
    }

    [Fact]
    public async Task A_footer_that_is_not_right_is_not_needed()
    {
        await _folder.FillAsync(Records);
        var random = new Random(1);
        string segment = _folder.Segments[0];
        byte[] right = File.ReadAllBytes(segment);
        int footer = 10 * 6 * Page;
        for (int round = 0; round < 40; round++)
        {
            byte[] bytes = [.. right];
            int trailer = bytes.Length - 24;
            bytes[round < 24 ? trailer + round : random.Next(footer, bytes.Length)] ^= (byte)(1 << random.Next(8));
            using var copy = _folder.Copy();
            File.WriteAllBytes(copy.Segments[0], bytes);

            await using var tier = copy.Open();
            Assert.Equal(Records.Length, tier.GetStatus().Records);
            await AssertHasAsync(tier, Records);
            Assert.Equal(1, tier.Failures("corrupt"));
        }
    }

    [Fact]
    public async Task Of_a_segment_that_was_cut_off_the_whole_records_are_there()
    {
        await _folder.FillAsync(Records);
        var random = new Random(2);
        for (int round = 0; round < 30; round++)
        {
            using var copy = _folder.Copy();
            int length = random.Next(10 * 6 * Page);
            using (var file = File.OpenWrite(copy.Segments[0]))
            {
                file.SetLength(length);
            }

            await using (var tier = copy.Open())
            {
                int whole = length / (6 * Page);
                await AssertHasAsync(tier, [.. Records[..whole], .. Records[10..]]);
                Assert.Equal(15 + whole, tier.GetStatus().Records);
                Assert.Equal(length % (6 * Page) == 0 ? 0 : 1, tier.Failures("corrupt"));
            }

            // Sealed as it is now: the damage is met once.
            await using var again = copy.Open();
            Assert.Empty(again.GetStatus().Failures);
        }
    }

    [Fact]
    public async Task A_record_whose_first_page_was_not_written_is_a_miss_and_its_place_is_used_again()
    {
        await using var running = _folder.Open();
        await running.WriteAsync(Records[0]);
        await running.WriteAsync(Records[1]);
        using var left = _folder.Copy();
        Overwrite(left.Segments[0], 6 * Page, Page);

        await using (var tier = left.Open())
        {
            Assert.Equal([Residence.Present, Residence.Absent], await tier.LookupAsync(Records[..2]));
            Assert.True(await tier.WriteAsync(Records[2]));
            Assert.Empty(tier.GetStatus().Failures);
        }

        await using var last = left.Open();
        await AssertHasAsync(last, [Records[0], Records[2]]);
        Assert.Equal(2, last.GetStatus().Records);
    }

    [Fact]
    public async Task A_directory_that_holds_more_than_the_capacity_loses_its_oldest_segments()
    {
        await _folder.FillAsync(Records);
        await using var tier = Crescent.KvCache.Tiers.Disk.DiskTier.Open(_folder.Options with { CapacityBytes = 1 << 20 });

        Assert.InRange(tier.GetStatus().Bytes, 1, 1 << 20);
        Assert.InRange(_folder.FileBytes, 1, 1 << 20);
        await AssertHasAsync(tier, Records[10..]);
        Assert.Equal(0, tier.GetStatus().Evictions - (Records.Length - tier.GetStatus().Records));
    }

    [Fact]
    public async Task Files_that_are_no_segments_are_met_with_calm()
    {
        await _folder.FillAsync(Records[..3]);
        var random = new Random(3);
        for (int i = 0; i < 20; i++)
        {
            var bytes = new byte[random.Next(20_000)];
            random.NextBytes(bytes);
            File.WriteAllBytes(Path.Combine(_folder.Path, $"{i + 16:x16}.segment"), bytes);
        }

        File.WriteAllText(Path.Combine(_folder.Path, "notes.segment"), "not a number");
        await using (var tier = _folder.Open())
        {
            await AssertHasAsync(tier, Records[..3]);
            Assert.InRange(tier.Failures("corrupt"), 15, 20);
        }

        Assert.True(File.Exists(Path.Combine(_folder.Path, "notes.segment")));
    }

    private static async Task AssertHasAsync(IKvTier tier, IEnumerable<TestRecord> records)
    {
        foreach (var record in records)
        {
            Assert.True(await tier.HasAsync(record));
        }
    }

    /// <summary>With zeros.</summary>
    private static void Overwrite(string file, long offset, int length)
    {
        using var stream = File.OpenWrite(file);
        stream.Position = offset;
        stream.Write(new byte[length]);
    }
}
