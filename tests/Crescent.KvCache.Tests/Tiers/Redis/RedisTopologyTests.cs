using Crescent.KvCache.Tiers.Redis;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Redis;

/// <summary>What takes more than one endpoint, by connection string alone.</summary>
public class RedisTopologyTests
{
    private const int Length = 10_000;

    [FullSetRedisFact]
    public async Task On_a_cluster_the_tier_lives_on_the_node_of_its_slot()
    {
        string[] Arguments() => ["--cluster-enabled", "yes", "--cluster-port", $"{RedisServer.FreePort()}"];
        using var first = await RedisServer.StartAsync(Arguments());
        using var second = await RedisServer.StartAsync(Arguments());
        using var third = await RedisServer.StartAsync(Arguments());
        RedisServer[] nodes = [first, second, third];
        await first.CommandAsync(["--cluster", "create", .. nodes.Select(node => node.Endpoint), "--cluster-yes"]);
        await TierCalls.EventuallyAsync(async () =>
            (await Task.WhenAll(nodes.Select(node => node.CommandAsync("CLUSTER", "INFO")))).All(info => info.Contains("cluster_state:ok", StringComparison.Ordinal)));

        foreach (string prefix in new[] { "a", "b", "c", "d" })
        {
            var options = TierCalls.Options(string.Join(',', nodes.Select(node => node.Endpoint)), 10 * Length) with { Prefix = prefix };
            await using var tier = await RedisTier.OpenAsync(options);
            var records = TestRecord.Many(12, Length);
            Assert.Equal(12, await tier.WriteAllAsync(records));
            Assert.Equal(Enumerable.Range(2, 10), await tier.PresentAsync(records));
            Assert.Equal(records[5].Bytes, await tier.ReadAsync(records[5]));
            Assert.Empty(tier.GetStatus().Failures);
        }

        // Four prefixes are in four slots, and those on more than one node.
        string[] sizes = await Task.WhenAll(nodes.Select(node => node.CommandAsync("DBSIZE")));
        Assert.Equal(4 * (10 + 3), sizes.Sum(int.Parse));
        Assert.True(sizes.Count(size => size != "0") > 1);
    }

    [FullSetRedisFact]
    public async Task With_Sentinel_the_tier_follows_the_primary()
    {
        using var primary = await RedisServer.StartAsync();
        using var replica = await RedisServer.StartAsync("--replicaof", "127.0.0.1", $"{primary.Port}");
        using var sentinel = await RedisServer.StartSentinelAsync("main", primary);
        var time = new ManualTime();
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options($"{sentinel.Endpoint},serviceName=main"), time);
        TestRecord[] records = [new(1, Length), new(2, Length)];
        Assert.True(await tier.WriteAsync(records[0]));
        Assert.Equal((1, Length), await primary.MeasureAsync());

        await TierCalls.EventuallyAsync(async () => await replica.MeasureAsync() == (1, Length));
        await TierCalls.EventuallyAsync(async () => await sentinel.CommandAsync("SENTINEL", "FAILOVER", "main") == "OK");
        await TierCalls.EventuallyAsync(async () => (await replica.CommandAsync("ROLE")).StartsWith("master", StringComparison.Ordinal));
        primary.Kill();

        await TierCalls.EventuallyAsync(async () =>
        {
            time.Advance(TimeSpan.FromMinutes(5));
            return await tier.WriteAsync(records[1]);
        });
        Assert.Equal((2, 2 * Length), await replica.MeasureAsync());
        Assert.Equal(records[0].Bytes, await tier.ReadAsync(records[0]));
    }

    [FullSetRedisFact]
    public async Task With_a_Sentinel_that_is_not_there_yet_the_tier_opens_all_the_same()
    {
        using var primary = await RedisServer.StartAsync();
        using var sentinel = await RedisServer.StartSentinelAsync("main", primary);
        sentinel.Kill();
        var time = new ManualTime();
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options($"{sentinel.Endpoint},serviceName=main,connectTimeout=500"), time);
        var record = new TestRecord(1, Length);
        Assert.False(await tier.WriteAsync(record));
        Assert.Equal(1, tier.FailuresOf("io"));

        await sentinel.RestartAsync();
        await TierCalls.EventuallyAsync(async () =>
        {
            time.Advance(TimeSpan.FromMinutes(5));
            return await tier.WriteAsync(record);
        });
    }
}

/// <summary>A fact that is skipped without redis-server or in the portable package set.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class FullSetRedisFactAttribute : FactAttribute
{
    public FullSetRedisFactAttribute()
    {
        bool full = typeof(RedisTier).Assembly.GetReferencedAssemblies().Any(assembly => assembly.Name == "StackExchange.Redis");
        Skip = full ? RedisServer.Missing : "the portable package set speaks to one Redis endpoint";
    }
}
