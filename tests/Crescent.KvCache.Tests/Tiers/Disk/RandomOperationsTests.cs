using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>A disk tier against the set of what was written and not removed, with restarts, clean and not.</summary>
public class RandomOperationsTests
{
    public static TheoryData<int, bool> Cases
    {
        get
        {
            var cases = new TheoryData<int, bool>();
            for (int seed = 1; seed <= LongProofs.Count(usual: 4, full: 100); seed++)
            {
                cases.Add(seed, seed % 2 == 0);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Holds_what_was_written_and_nothing_else(int seed, bool tight)
    {
        using var run = new DiskOperations(seed, tight);
        for (int step = 0; step < 400; step++)
        {
            await run.StepAsync();
        }

        await run.EndAsync();
        Assert.True(run.Restarts > 2 && run.Hits > 30 && (run.Evictions > 0) == tight, $"{run.Restarts} restarts, {run.Hits} hits, {run.Evictions} evictions");
    }
}

/// <param name="tight">The capacity is less than what is written, so any record may be missing; else none may.</param>
internal sealed class DiskOperations(int seed, bool tight) : IDisposable
{
    private readonly Random _random = new(seed);
    private readonly TestRecord[] _records = [.. Enumerable.Range(0, tight ? 150 : 40).Select(i => TestRecord.Of((seed * 1000) + i, 500 + (i % 7 * 5_000)))];
    private readonly HashSet<TestRecord> _naive = [];
    private DiskFolder _folder = new(tight ? 1 << 20 : 16 << 20);
    private DiskTier? _tier;

    public int Restarts { get; private set; }

    public int Hits { get; private set; }

    public long Evictions { get; private set; }

    public async Task StepAsync()
    {
        _tier ??= _folder.Open();
        var record = _records[_random.Next(_records.Length)];
        switch (_random.Next(100))
        {
            case < 2:
                await RestartAsync(clean: _random.Next(2) == 0);
                break;
            case < 12:
                await _tier.RemoveAsync(record);
                _naive.Remove(record);
                Assert.Equal(Residence.Absent, await _tier.LookupAsync(record));
                break;
            case < 60:
                Assert.True(await _tier.WriteAsync(record));
                _naive.Add(record);
                Assert.Equal(Residence.Present, await _tier.LookupAsync(record));
                break;
            case < 70:
                await Task.WhenAll(_records[..10].Select(_tier.WriteAsync));
                _naive.UnionWith(_records[..10]);
                break;
            default:
                Expect(_naive.Contains(record), await _tier.HasAsync(record));
                break;
        }

        Assert.InRange(_tier!.GetStatus().Bytes, 0, _folder.Options.CapacityBytes);
        Assert.InRange(_folder.FileBytes, 0, _folder.Options.CapacityBytes);
    }

    public async Task EndAsync()
    {
        await RestartAsync(clean: true);
        foreach (var record in _records)
        {
            Expect(_naive.Contains(record), await _tier!.HasAsync(record));
        }

        await _tier!.DisposeAsync();
    }

    public void Dispose() => _folder.Dispose();

    private void Expect(bool wanted, bool found)
    {
        Hits += found ? 1 : 0;
        Assert.True(tight ? wanted || !found : wanted == found, wanted ? "a record is missing" : "a removed record is back");
    }

    private async Task RestartAsync(bool clean)
    {
        Restarts++;
        var old = _folder;
        var left = clean ? old : old.Copy();
        Evictions += _tier!.GetStatus().Evictions;
        Assert.Empty(_tier.GetStatus().Failures);
        await _tier.DisposeAsync();
        if (!clean)
        {
            old.Dispose();
        }

        _folder = left;
        _tier = _folder.Open();
    }
}
