using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Redis;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Redis;

/// <summary>What tests of the tier do with it.</summary>
internal static class TierCalls
{
    public static RedisTierOptions Options(string connection, long capacity = 64 << 20) => new()
    {
        Connection = connection,
        CapacityBytes = capacity,

        // Time is the tests' to pass: on a machine that is busy with others nothing is late.
        Timeout = TimeSpan.FromSeconds(30),
    };

    public static Task<RedisTier> OpenAsync(RedisServer server, long capacity = 64 << 20) => RedisTier.OpenAsync(Options(server.Endpoint, capacity));

    public static ValueTask<bool> WriteAsync(this RedisTier tier, TestRecord record) => tier.WriteAsync(record.Key, record.Bytes, default);

    public static async Task<int> WriteAllAsync(this RedisTier tier, IEnumerable<TestRecord> records)
    {
        int stored = 0;
        foreach (var record in records)
        {
            stored += await tier.WriteAsync(record) ? 1 : 0;
        }

        return stored;
    }

    /// <summary>The bytes under a record's key, or null.</summary>
    public static async Task<byte[]?> ReadAsync(this RedisTier tier, TestRecord record)
    {
        using var bytes = await tier.ReadAsync(record.Key, default);
        return bytes?.Memory.ToArray();
    }

    public static async Task<Residence[]> LookupAsync(this RedisTier tier, IEnumerable<TestRecord> records)
    {
        RecordKey[] keys = [.. records.Select(record => record.Key)];
        var answers = new Residence[keys.Length];
        await tier.LookupAsync(keys, answers, default);
        return answers;
    }

    /// <summary>Which of the records are there.</summary>
    public static async Task<IEnumerable<int>> PresentAsync(this RedisTier tier, TestRecord[] records)
    {
        var answers = await tier.LookupAsync(records);
        return [.. Enumerable.Range(0, records.Length).Where(i => answers[i] == Residence.Present)];
    }

    public static long FailuresOf(this RedisTier tier, string reason) => tier.GetStatus().Failures.GetValueOrDefault(reason);

    /// <summary>What Redis itself says of the tier's records: their number and the sum of their lengths.</summary>
    public static async Task<(long Records, long Bytes)> MeasureAsync(this RedisServer server)
    {
        const string Script = "local n, b = 0, 0 for _, k in ipairs(redis.call('KEYS', '{crescent}:r:*')) do n = n + 1 b = b + redis.call('STRLEN', k) end return {n, b}";
        string[] lines = (await server.CommandAsync("EVAL", Script, "0")).Split('\n');
        return (long.Parse(lines[0]), long.Parse(lines[1]));
    }

    /// <summary>Tries again until it holds: when a client connects again is the client's affair.</summary>
    public static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}
