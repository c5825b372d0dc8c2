using Crescent.KvCache.Tiers.Redis;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Redis;

/// <summary>The accounting inside Redis: what is evicted, and that it holds whatever Redis loses by itself.</summary>
public class RedisQuotaTests
{
    private const int Length = 10_000;

    [RedisFact]
    public async Task The_quota_is_never_exceeded_and_the_least_recently_used_go_first()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 10 * Length);
        var records = TestRecord.Many(15, Length);
        await tier.WriteAllAsync(records[..10]);
        await tier.ReadAsync(records[0]);

        foreach (var record in records[10..])
        {
            Assert.True(await tier.WriteAsync(record));
            Assert.Equal((10, 10 * Length), await server.MeasureAsync());
        }

        Assert.Equal([0, 6, 7, 8, 9, 10, 11, 12, 13, 14], await tier.PresentAsync(records));
        Assert.Equal(5, tier.GetStatus().Evictions);
        Assert.Empty(tier.GetStatus().Failures);
    }

    [RedisFact]
    public async Task Leaves_are_evicted_before_what_they_follow()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 8 * Length);
        var chain = TestRecord.Chain(0, 6, Length);
        var branch = new TestRecord(50, Length, chain[1]);
        await tier.WriteAllAsync([.. chain, branch]);
        await tier.ReadAsync(branch);

        await tier.WriteAllAsync(TestRecord.Many(5, Length, first: 100));

        Assert.Equal([0, 1], await tier.PresentAsync(chain));
        Assert.Equal([0], await tier.PresentAsync([branch]));
    }

    [RedisFact]
    public async Task A_parent_that_comes_after_its_child_is_no_leaf()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 3 * Length);
        var chain = TestRecord.Chain(0, 2, Length);
        await tier.WriteAllAsync([chain[1], chain[0]]);
        await tier.ReadAsync(chain[1]);

        await tier.WriteAllAsync(TestRecord.Many(2, Length, first: 100));

        Assert.Equal([0], await tier.PresentAsync([chain[0]]));
        Assert.True(await tier.WriteAsync(TestRecord.Many(1, Length, first: 102)[0]));
    }

    [RedisFact]
    public async Task A_record_does_not_displace_its_own_ancestors()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 3 * Length);
        var chain = TestRecord.Chain(0, 4, Length);

        Assert.Equal(3, await tier.WriteAllAsync(chain));

        Assert.Equal([0, 1, 2], await tier.PresentAsync(chain));
        Assert.Equal(1, tier.FailuresOf("quota"));
        Assert.Equal((3, 3 * Length), await server.MeasureAsync());
    }

    [RedisFact]
    public async Task A_record_that_would_take_more_than_a_batch_of_evictions_is_refused_until_there_is_room()
    {
        using var server = await RedisServer.StartAsync();
        const int Small = 200;
        int count = (2 * RedisTier.EvictionBatch) + 10;
        await using var tier = await TierCalls.OpenAsync(server, count * Small);
        await tier.WriteAllAsync(TestRecord.Many(count, Small));
        var large = new TestRecord(1000, count * Small);

        Assert.Equal([false, false, true], new List<bool> { await tier.WriteAsync(large), await tier.WriteAsync(large), await tier.WriteAsync(large) });

        Assert.Equal((1, count * Small), await server.MeasureAsync());
        Assert.Equal(2, tier.FailuresOf("quota"));
        Assert.False(await tier.WriteAsync(new TestRecord(1001, (count * Small) + 1)));
    }

    [RedisFact]
    public async Task Two_tiers_on_one_server_share_the_quota()
    {
        using var server = await RedisServer.StartAsync();
        await using var first = await TierCalls.OpenAsync(server, 10 * Length);
        await using var second = await TierCalls.OpenAsync(server, 10 * Length);
        var records = TestRecord.Many(16, Length);

        await first.WriteAllAsync(records[..8]);
        await second.WriteAllAsync(records[8..]);

        Assert.Equal((10, 10 * Length), await server.MeasureAsync());
        Assert.Equal(Enumerable.Range(6, 10), await first.PresentAsync(records));
        Assert.Equal((10, 10 * Length), (second.GetStatus().Records, second.GetStatus().Bytes));
    }

    [RedisFact]
    public async Task What_Redis_lost_by_itself_leaves_the_accounting_when_it_is_met()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 100 * Length);
        var records = TestRecord.Many(40, Length);
        await tier.WriteAllAsync(records[..20]);
        await server.CommandAsync(["DEL", .. records[..10].Select(record => tier.NameOf(record.Key))]);

        Assert.Null(await tier.ReadAsync(records[0]));
        Assert.Empty(await tier.PresentAsync(records[..10]));
        Assert.Equal(1, tier.FailuresOf("lost"));

        // Each write looks at four entries, whichever they are.
        for (int i = 0; tier.GetStatus().Records != (await server.MeasureAsync()).Records; i++)
        {
            Assert.InRange(i, 0, 1000);
            await tier.RemoveAsync(records[20].Key, default);
            await tier.WriteAsync(records[20]);
        }

        Assert.Equal((11, 11 * Length), (tier.GetStatus().Records, tier.GetStatus().Bytes));
        Assert.Equal(10, tier.FailuresOf("lost"));
    }

    [RedisTheory]
    [InlineData("use")]
    [InlineData("sizes")]
    [InlineData("children")]
    public async Task An_index_that_lost_a_part_finds_its_records_again(string part)
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 500 * 200);
        var records = TestRecord.Many(500, 200);
        Assert.Equal(450, await tier.WriteAllAsync(records[..450]));
        await server.CommandAsync("SET", "of-somebody-else", "1");

        Assert.Equal("1", await server.CommandAsync("DEL", $"{{crescent}}:{part}"));
        await tier.WriteAllAsync(records[450..460]);

        Assert.Equal((460, 460 * 200), (tier.GetStatus().Records, tier.GetStatus().Bytes));
        Assert.Equal((460, 460 * 200), await server.MeasureAsync());
        await tier.WriteAllAsync(TestRecord.Many(100, 200, first: 1000));
        Assert.Equal((500, 500 * 200), await server.MeasureAsync());
    }

    [RedisFact]
    public async Task A_record_found_again_knows_what_it_follows()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 4 * Length);
        var chain = TestRecord.Chain(0, 3, Length);
        await tier.WriteAllAsync(chain);
        await server.CommandAsync("DEL", "{crescent}:use", "{crescent}:sizes", "{crescent}:children");

        var others = TestRecord.Many(3, Length, first: 100);
        await tier.WriteAsync(others[0]);
        await tier.ReadAsync(others[0]);
        await tier.WriteAllAsync(others[1..]);

        Assert.Equal([0], await tier.PresentAsync(chain));
        Assert.Equal((4, 4 * Length), await server.MeasureAsync());
    }
}
