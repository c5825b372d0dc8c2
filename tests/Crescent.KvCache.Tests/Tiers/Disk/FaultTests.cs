using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>A disk that does not do what it should: nothing wrong is ever given out, nobody is thrown at, and a counter says why.</summary>
public sealed class FaultTests : IDisposable
{
    private static readonly TestRecord[] Records = [.. Enumerable.Range(0, 60).Select(i => TestRecord.Of(i, 22_000))];

    private readonly DiskFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Flipped_bits_are_misses_and_the_records_are_removed()
    {
        await _folder.FillAsync(Records[..10]);
        var random = new Random(1);
        for (int round = 0; round < LongProofs.Count(20, 300); round++)
        {
            using var copy = _folder.Copy();
            byte[] bytes = File.ReadAllBytes(copy.Segments[0]);
            for (int flip = 0; flip < 5; flip++)
            {
                bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
            }

            File.WriteAllBytes(copy.Segments[0], bytes);
            int bad = 0;
            await using (var tier = copy.Open())
            {
                foreach (var record in Records[..10])
                {
                    bad += await tier.HasAsync(record) ? 0 : 1;
                }

                Assert.True(bad == 0 || tier.Failures("corrupt") > 0);
                Assert.Equal(10 - bad, tier.GetStatus().Records);
            }

            await using var again = copy.Open();
            Assert.Equal(10 - bad, again.GetStatus().Records);
        }
    }

    [Fact]
    public async Task A_bit_that_flips_under_a_running_tier_is_a_miss()
    {
        await using var tier = _folder.Open();
        await tier.WriteAsync(Records[0]);
        await tier.WriteAsync(Records[1]);
        Flip(_folder.Segments[0], 10_000);

        Assert.False(await tier.HasAsync(Records[0]));
        Assert.True(await tier.HasAsync(Records[1]));
        Assert.Equal(Residence.Absent, await tier.LookupAsync(Records[0]));
        Assert.Equal(1, tier.Failures("corrupt"));
        Assert.True(await tier.WriteAsync(Records[0]));
        Assert.True(await tier.HasAsync(Records[0]));
    }

    [Fact]
    public async Task A_wrong_block_under_a_right_key_is_the_readers_to_refuse()
    {
        await using var tier = _folder.Open();
        await tier.WriteAsync(Records[0].Key, Records[1].Bytes, default);

        using var bytes = await tier.ReadAsync(Records[0].Key, default);
        Assert.Equal(RecordFault.Mismatch, Records[0].Open(bytes!.Memory, out _));
    }

    [Fact]
    public async Task Frames_that_change_places_are_misses()
    {
        await _folder.FillAsync(Records[..3]);
        byte[] bytes = File.ReadAllBytes(_folder.Segments[0]);
        const int Frame = 6 * 4096;
        byte[] first = bytes[..Frame];
        Array.Copy(bytes, Frame, bytes, 0, Frame);
        first.CopyTo(bytes, Frame);
        File.WriteAllBytes(_folder.Segments[0], bytes);

        await using var tier = _folder.Open();
        Assert.False(await tier.HasAsync(Records[0]));
        Assert.False(await tier.HasAsync(Records[1]));
        Assert.True(await tier.HasAsync(Records[2]));
        Assert.Equal(2, tier.Failures("mismatch"));
    }

    [Fact]
    public async Task A_segment_that_is_cut_off_under_a_running_tier_misses()
    {
        await using var tier = _folder.Open();
        await tier.WriteAsync(Records[0]);
        await tier.WriteAsync(Records[1]);
        using (var file = new FileStream(_folder.Segments[0], FileMode.Open, FileAccess.Write, FileShare.ReadWrite))
        {
            file.SetLength((6 * 4096) + 100);
        }

        Assert.True(await tier.HasAsync(Records[0]));
        Assert.False(await tier.HasAsync(Records[1]));
        Assert.Equal(1, tier.Failures("corrupt"));
    }

    [Fact]
    public async Task Without_its_directory_a_tier_reads_what_it_has_open_and_refuses_new_segments()
    {
        await using var tier = _folder.Open();
        await tier.WriteAsync(Records[0]);
        Directory.Delete(_folder.Path, recursive: true);

        Assert.True(await tier.HasAsync(Records[0]));
        var written = await WriteAllAsync(tier, Records[1..]);
        Assert.InRange(written.Count, 1, 10);
        Assert.Equal(Records.Length - 1 - written.Count, tier.Failures("gone"));
        Assert.True(await tier.HasAsync(Records[0]));
        Assert.All(written, record => Assert.Equal(Residence.Present, tier.LookupAsync(record).Result));
    }

    [Fact]
    public async Task A_segment_that_cannot_be_made_refuses_its_record_and_the_next_one_is_tried()
    {
        await using var tier = _folder.Open();
        await tier.WriteAsync(Records[0]);
        string second = _folder.Segments[0].Replace("1.segment", "2.segment", StringComparison.Ordinal);
        Directory.CreateDirectory(second);

        var written = await WriteAllAsync(tier, Records[1..30]);
        Assert.Equal(28, written.Count);
        Assert.Equal(1, tier.Failures("io"));
        Assert.All(written, record => Assert.True(tier.HasAsync(record).Result));
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_an_error_at_once()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["file"], "");
        string directory = folder["file/cache"];

        var error = Assert.Throws<IOException>(() => DiskTier.Open(_folder.Options with { Directory = directory }));
        Assert.Contains(directory, error.Message, StringComparison.Ordinal);
    }

    [MountFact]
    public async Task On_a_full_disk_a_tier_goes_on_in_the_space_there_is()
    {
        using var folder = new TemporaryFolder();
        using var mount = Mount.Memory(folder["disk"], bytes: 1 << 20);
        await using var tier = DiskTier.Open(new DiskTierOptions { Directory = mount.Path, CapacityBytes = 4 << 20 });

        var written = await WriteAllAsync(tier, Records);

        Assert.True(tier.Failures("full") > 0);
        Assert.True(written.Count > 40, $"{written.Count} of {Records.Length} were written");
        Assert.True(await tier.HasAsync(written[^1]));
        Assert.Equal(written.Count, tier.GetStatus().Records + tier.GetStatus().Evictions);
        Assert.InRange(tier.GetStatus().Bytes, 1, 1 << 20);
    }

    [MountFact]
    public async Task A_disk_that_others_fill_up_refuses_and_recovers()
    {
        using var folder = new TemporaryFolder();
        using var mount = Mount.Memory(folder["disk"], bytes: 1 << 20);
        await using var tier = DiskTier.Open(new DiskTierOptions { Directory = Path.Combine(mount.Path, "cache"), CapacityBytes = 4 << 20 });
        string other = Path.Combine(mount.Path, "other");
        FillUp(other);

        Assert.Empty(await WriteAllAsync(tier, Records[..3]));
        Assert.Equal(3, tier.Failures("full"));
        File.Delete(other);
        Assert.Equal(3, (await WriteAllAsync(tier, Records[..3])).Count);
        Assert.All(Records[..3], record => Assert.True(tier.HasAsync(record).Result));
    }

    [MountFact]
    public async Task The_capacity_is_enough_of_a_disk_for_everything_a_tier_ever_has_on_it()
    {
        const int Capacity = 1 << 20;
        using var folder = new TemporaryFolder();

        // Two pages for the lock and its owner's id, and half a segment, for near its limit this file system counts roughly.
        using var mount = Mount.Memory(folder["disk"], Capacity + 8192 + (Capacity / 32));
        var options = new DiskTierOptions { Directory = mount.Path, CapacityBytes = Capacity };
        for (int round = 0; round < 4; round++)
        {
            await using var tier = DiskTier.Open(options);
            Assert.Equal(Records.Length, (await WriteAllAsync(tier, Records)).Count(record => record is not null));
            await tier.LookupAsync(Records);
            Assert.Empty(tier.GetStatus().Failures);
            Assert.InRange(tier.GetStatus().Bytes, 1, Capacity);
        }
    }

    [MountFact]
    public async Task When_its_directory_becomes_read_only_a_tier_reads_on_and_refuses_new_segments()
    {
        await using var tier = _folder.Open();
        await tier.WriteAsync(Records[0]);
        using (Mount.ReadOnly(_folder.Path))
        {
            var written = await WriteAllAsync(tier, Records[1..]);
            Assert.InRange(written.Count, 1, 10);
            Assert.Equal(Records.Length - 1 - written.Count, tier.Failures("denied"));
            Assert.True(await tier.HasAsync(Records[0]));
        }

        Assert.True(await tier.WriteAsync(Records[^1]));
    }

    [MountFact]
    public void A_read_only_directory_is_an_error_at_once()
    {
        Directory.CreateDirectory(_folder.Path);
        using var mount = Mount.ReadOnly(_folder.Path);

        var error = Assert.Throws<IOException>(() => _folder.Open());
        Assert.Contains($"{_folder.Path} cannot be used", error.Message, StringComparison.Ordinal);
    }

    private static async Task<List<TestRecord>> WriteAllAsync(IKvTier tier, TestRecord[] records)
    {
        var written = new List<TestRecord>();
        foreach (var record in records)
        {
            if (await tier.WriteAsync(record))
            {
                written.Add(record);
            }
        }

        return written;
    }

    private static void FillUp(string path)
    {
        using var file = File.Create(path, bufferSize: 0);
        var page = new byte[4096];
        try
        {
            while (true)
            {
                file.Write(page);
            }
        }
        catch (IOException)
        {
            // That is as much as there is.
        }
    }

    private static void Flip(string file, long at)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        stream.Position = at;
        int value = stream.ReadByte();
        stream.Position = at;
        stream.WriteByte((byte)(value ^ 4));
    }
}
