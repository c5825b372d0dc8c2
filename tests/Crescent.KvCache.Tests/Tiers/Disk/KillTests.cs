using System.Diagnostics;
using System.Globalization;
using Crescent.KvCache.Tiers.Disk;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>Processes that are killed while they write. What they said was done is done, and nothing else is wrong.</summary>
public sealed class KillTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task After_every_kill_all_that_was_committed_is_there_and_right(bool tight)
    {
        // Tight: so that segments are given up, and records moved, while it happens; then what is missing may be evicted.
        var options = new DiskTierOptions { Directory = _folder["cache"], CapacityBytes = tight ? 4 << 20 : 2L << 30, SegmentBytes = 1 << 20 };
        var random = new Random(1);
        var state = new Dictionary<int, bool>();
        int first = 0;
        for (int round = 0; round < LongProofs.Count(5, 100); round++)
        {
            var said = await KillAsync(options, first, lines: random.Next(60), spins: random.Next(200_000));
            foreach (string line in said)
            {
                int record = int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture);
                state.Remove(record);
                if (line[0] != '?')
                {
                    state.Add(record, line[0] == '+');
                }
            }

            await using var tier = DiskTier.Open(options);
            int end = first + WriterProcess.RecordsPerRun;
            for (int i = Math.Max(0, end - 500); i < end; i++)
            {
                // Right, or the test fails here.
                bool found = await tier.HasAsync(WriterProcess.Record(i));
                if (state.TryGetValue(i, out bool there))
                {
                    Assert.True(there ? found || tight : !found, $"record {i} in round {round}: {(there ? "is missing" : "is back")}");
                }
            }

            Assert.Equal(0, tier.Failures("corrupt") + tier.Failures("mismatch"));
            first = state.Count == 0 ? first : Math.Max(first, state.Keys.Max() + 1);
            first += WriterProcess.Parallel;
        }

        Assert.True(state.Count > 50, $"only {state.Count} records");
    }

    [Fact]
    public async Task The_directory_of_a_living_process_is_refused_and_that_of_a_killed_one_is_taken_over()
    {
        var options = new DiskTierOptions { Directory = _folder["cache"], CapacityBytes = 64 << 20 };
        using var process = WriterProcess.Start(options, first: 0);
        await process.StandardOutput.ReadLineAsync();

        var refused = Assert.Throws<IOException>(() => DiskTier.Open(options));
        Assert.Contains($"process {process.Id}", refused.Message, StringComparison.Ordinal);
        Assert.Contains(options.Directory, refused.Message, StringComparison.Ordinal);

        process.Kill();
        await process.WaitForExitAsync();
        await using var tier = DiskTier.Open(options);
        Assert.True(tier.GetStatus().Records > 0);
    }

    /// <summary>Lets a process write until it has said so many lines, and a moment more.</summary>
    /// <returns>All it said.</returns>
    private static async Task<List<string>> KillAsync(DiskTierOptions options, int first, int lines, int spins)
    {
        using var process = WriterProcess.Start(options, first);
        var said = new List<string>();
        while (said.Count < lines && await process.StandardOutput.ReadLineAsync() is { } line)
        {
            said.Add(line);
        }

        Thread.SpinWait(spins);
        process.Kill();
        string rest = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        // The last line may be cut off by the kill.
        string[] whole = rest.Split('\n');
        said.AddRange(whole[..^1]);
        return said;
    }
}

/// <summary>
/// This assembly as a process that writes records and says what is done: +i when record i is committed, ?i before it is
/// removed again, and -i when it has been.
/// </summary>
internal static class WriterProcess
{
    public const int RecordsPerRun = 400;
    public const int Parallel = 4;

    public static TestRecord Record(int i) => TestRecord.Of(i, 3_000 + (i % 13 * 6_000));

    public static Process Start(DiskTierOptions options, int first)
    {
        string[] arguments =
        [
            typeof(WriterProcess).Assembly.Location,
            options.Directory,
            options.CapacityBytes.ToString(CultureInfo.InvariantCulture),
            options.SegmentBytes.ToString(CultureInfo.InvariantCulture),
            first.ToString(CultureInfo.InvariantCulture),
        ];
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments) { RedirectStandardOutput = true };
        return Process.Start(start)!;
    }

    public static async Task<int> Main(string[] arguments)
    {
        var options = new DiskTierOptions
        {
            Directory = arguments[0],
            CapacityBytes = long.Parse(arguments[1], CultureInfo.InvariantCulture),
            SegmentBytes = long.Parse(arguments[2], CultureInfo.InvariantCulture),
        };
        int first = int.Parse(arguments[3], CultureInfo.InvariantCulture);
        await using var tier = DiskTier.Open(options);
        await Task.WhenAll(Enumerable.Range(0, Parallel).Select(writer => Task.Run(async () =>
        {
            for (int i = first + writer; i < first + RecordsPerRun; i += Parallel)
            {
                var record = Record(i);
                if (await tier.WriteAsync(record))
                {
                    Console.WriteLine($"+{i}");
                }

                await tier.LookupAsync(record);
                if (i % 11 == 0)
                {
                    Console.WriteLine($"?{i}");
                    await tier.RemoveAsync(record);
                    Console.WriteLine($"-{i}");
                }
            }
        })));
        return 0;
    }
}
