using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;
using Crescent.KvCache.Tiers.Host;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers;

/// <summary>Alone in the process while they run: they look at its memory.</summary>
[CollectionDefinition(nameof(SoakTests), DisableParallelization = true)]
[Collection(nameof(SoakTests))]
public class SoakTests
{
    private const long Allowance = 1 << 20;

    private static readonly TestRecord[] Records = [.. Enumerable.Range(0, 96).Select(i => TestRecord.Of(i, 40_000))];

    [Fact]
    public async Task A_host_tier_takes_no_more_memory_however_long_it_runs()
    {
        await using var tier = new HostTier(1 << 20);
        await RunAsync(tier, seed: 1, steps: 1_000);
        long before = GC.GetTotalMemory(forceFullCollection: true);

        await RunAsync(tier, seed: 2, LongProofs.Count(10_000, 200_000));

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Allowance);
        tier.CheckIntegrity();
    }

    [Fact]
    public async Task A_disk_tier_takes_no_more_memory_files_or_disk_however_long_it_runs()
    {
        using var folder = new TemporaryFolder();
        var options = new DiskTierOptions { Directory = folder.Path, CapacityBytes = 2 << 20, QueuedWrites = 8 };
        await using var tier = DiskTier.Open(options);
        await RunAsync(tier, seed: 1, steps: 1_000);
        long before = GC.GetTotalMemory(forceFullCollection: true);

        for (int round = 0; round < 10; round++)
        {
            await RunAsync(tier, seed: round, LongProofs.Count(150, 4_000));
            Assert.InRange(tier.GetStatus().Bytes, 0, options.CapacityBytes);
            Assert.InRange(OpenFilesIn(folder.Path), 1, 40);
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, Allowance);
        Assert.Equal(0, tier.Failures("corrupt"));
    }

    private static async Task RunAsync(IKvTier tier, int seed, int steps)
    {
        var random = new Random(seed);
        for (int step = 0; step < steps; step++)
        {
            var record = Records[random.Next(Records.Length)];
            if (!await tier.HasAsync(record))
            {
                await tier.WriteAsync(record);
            }

            if (random.Next(20) == 0)
            {
                await tier.RemoveAsync(record);
            }
        }
    }

    private static int OpenFilesIn(string folder) => !OperatingSystem.IsLinux()
        ? 1
        : Directory.EnumerateFiles("/proc/self/fd").Count(file => new FileInfo(file).LinkTarget?.StartsWith(folder, StringComparison.Ordinal) == true);
}
