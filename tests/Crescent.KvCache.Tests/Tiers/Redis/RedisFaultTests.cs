using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Redis;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Redis;

/// <summary>What Redis does when it goes wrong, and what the tier makes of it: a miss or a refusal, and a count.</summary>
public class RedisFaultTests
{
    private const int Length = 100_000;

    [RedisFact]
    public async Task A_connection_that_ends_mid_reply_is_a_miss_and_the_next_one_serves()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options(proxy.Endpoint));
        var record = new TestRecord(1, 10 * Length);
        await tier.WriteAsync(record);

        proxy.CutAfter(5 * Length);
        Assert.Null(await tier.ReadAsync(record));

        Assert.Equal(1, tier.FailuresOf("io"));
        await TierCalls.EventuallyAsync(async () => await tier.ReadAsync(record) is { } bytes && bytes.SequenceEqual(record.Bytes));
    }

    [RedisFact]
    public async Task A_server_killed_while_it_is_asked_fails_every_call_and_none_hangs()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options(proxy.Endpoint));
        var records = TestRecord.Many(4, Length);
        await tier.WriteAllAsync(records[..2]);
        proxy.Hold();
        long before = proxy.RequestBytes;
        Task<byte[]?>[] reads = [tier.ReadAsync(records[0]), tier.ReadAsync(records[1])];
        var write = tier.WriteAsync(records[2]);
        await TierCalls.EventuallyAsync(() => Task.FromResult(proxy.RequestBytes > before + Length));

        server.Kill();
        proxy.CutAfter(0);
        proxy.Release();

        Assert.All(await Task.WhenAll(reads), Assert.Null);
        Assert.False(await write);
        Assert.Equal(3, tier.FailuresOf("io"));
    }

    [RedisFact]
    public async Task A_slow_server_is_missed_then_left_alone_then_asked_again()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        var time = new ManualTime();
        var options = TierCalls.Options(proxy.Endpoint);
        await using var tier = await RedisTier.OpenAsync(options, time);
        var record = new TestRecord(1, Length);
        await tier.WriteAsync(record);

        proxy.Hold();
        for (int i = 0; i < 3; i++)
        {
            var read = tier.ReadAsync(record);
            time.Advance(options.Timeout);
            Assert.Null(await read);
        }

        Assert.Equal(3, tier.FailuresOf("timeout"));
        Assert.Null(await tier.ReadAsync(record));
        Assert.False(await tier.WriteAsync(new TestRecord(2, Length)));
        Assert.Equal([Residence.Absent], await tier.LookupAsync([record]));
        Assert.Equal(3, tier.FailuresOf("paused"));

        proxy.Release();
        await TierCalls.EventuallyAsync(async () =>
        {
            time.Advance(options.Pause);
            return await tier.ReadAsync(record) is { } bytes && bytes.SequenceEqual(record.Bytes);
        });
        Assert.Equal(3, tier.FailuresOf("timeout"));
    }

    [RedisFact]
    public async Task A_full_server_without_records_to_evict_refuses_and_takes_again_when_there_is_room()
    {
        using var server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using var tier = await TierCalls.OpenAsync(server);
        var record = new TestRecord(1, Length);
        await server.CommandAsync("CONFIG", "SET", "maxmemory", "1000");

        Assert.False(await tier.WriteAsync(record));
        Assert.Equal([Residence.Absent], await tier.LookupAsync([record]));
        Assert.Equal(1, tier.FailuresOf("full"));

        await server.CommandAsync("CONFIG", "SET", "maxmemory", "0");
        Assert.True(await tier.WriteAsync(record));
        Assert.Equal(record.Bytes, await tier.ReadAsync(record));
    }

    [RedisFact]
    public async Task On_a_full_server_the_oldest_records_give_way_to_the_next()
    {
        using var server = await RedisServer.StartAsync("--maxmemory-policy", "noeviction");
        await using var tier = await TierCalls.OpenAsync(server);
        var records = TestRecord.Many(60, Length);
        await tier.WriteAllAsync(records[..20]);
        string used = (await server.CommandAsync("INFO", "memory")).Split('\n').Single(line => line.StartsWith("used_memory:", StringComparison.Ordinal));
        await server.CommandAsync("CONFIG", "SET", "maxmemory", used.Trim().Split(':')[1]);

        int stored = await tier.WriteAllAsync(records[20..]);

        var present = (await tier.PresentAsync(records)).ToList();
        Assert.InRange(stored, 1, 39);
        Assert.Equal(40 - stored, tier.FailuresOf("full"));
        Assert.DoesNotContain(0, present);
        Assert.InRange(present[^1], 57, 59);
        Assert.Equal((present.Count, present.Count * Length), await server.MeasureAsync());
        Assert.Equal((present.Count, present.Count * Length), (tier.GetStatus().Records, tier.GetStatus().Bytes));
    }

    [RedisFact]
    public async Task After_a_restart_with_its_data_it_answers_at_once_and_still_keeps_the_quota()
    {
        using var server = await RedisServer.StartAsync();
        var records = TestRecord.Many(15, Length);
        await using (var before = await TierCalls.OpenAsync(server, 10 * Length))
        {
            await before.WriteAllAsync(records[..10]);
        }

        await server.CommandAsync("SAVE");
        server.Kill();
        await server.RestartAsync();

        await using var tier = await TierCalls.OpenAsync(server, 10 * Length);
        Assert.Equal(records[3].Bytes, await tier.ReadAsync(records[3]));
        await tier.WriteAllAsync(records[10..]);
        Assert.Equal((10, 10 * Length), await server.MeasureAsync());
        Assert.Contains(3, await tier.PresentAsync(records));
    }

    [RedisFact]
    public async Task After_a_restart_without_data_everything_is_a_miss_and_can_be_written_again()
    {
        using var server = await RedisServer.StartAsync();
        var time = new ManualTime();
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options(server.Endpoint), time);
        var records = TestRecord.Many(5, Length);
        await tier.WriteAllAsync(records);

        server.Kill();
        Assert.Null(await tier.ReadAsync(records[0]));
        await server.RestartAsync();

        await TierCalls.EventuallyAsync(async () =>
        {
            time.Advance(TimeSpan.FromMinutes(5));
            return await tier.WriteAsync(records[0]);
        });
        Assert.Equal([0], await tier.PresentAsync(records));
        Assert.Equal((1, Length), (tier.GetStatus().Records, tier.GetStatus().Bytes));
        Assert.NotEqual(0, tier.FailuresOf("io"));
    }

    [RedisFact]
    public async Task A_flush_while_it_runs_empties_the_accounting_too()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, 10 * Length);
        var records = TestRecord.Many(10, Length);
        await tier.WriteAllAsync(records);

        await server.CommandAsync("FLUSHALL");
        await server.CommandAsync("SCRIPT", "FLUSH");

        Assert.Null(await tier.ReadAsync(records[0]));
        Assert.True(await tier.WriteAsync(records[1]));
        Assert.Equal((1, Length), (tier.GetStatus().Records, tier.GetStatus().Bytes));
        Assert.Equal(0, tier.GetStatus().Evictions);
    }

    [RedisFact]
    public async Task Another_records_bytes_and_cut_off_bytes_are_returned_as_they_are_and_the_reader_finds_out()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        TestRecord[] records = [new(1, 5000), new(2, 5000), new(3, 5000), new(4, 5000)];
        string[] names = [.. records.Select(record => tier.NameOf(record.Key))];
        await tier.WriteAllAsync(records);
        await server.CommandAsync("COPY", names[0], names[1], "REPLACE");
        await server.CommandAsync("EVAL", "redis.call('SET', KEYS[1], redis.call('GETRANGE', KEYS[1], 0, 99))", "1", names[2]);
        await server.CommandAsync("SET", names[3], "");

        RecordFault[] faults = [.. await Task.WhenAll(records.Select(async record => record.Open(await tier.ReadAsync(record))))];

        Assert.Equal([RecordFault.None, RecordFault.Mismatch, RecordFault.Malformed, RecordFault.Malformed], faults);
        await tier.RemoveAsync(records[1].Key, default);
        Assert.True(await tier.WriteAsync(records[1]));
        Assert.Equal(records[1].Bytes, await tier.ReadAsync(records[1]));
    }

    [RedisFact]
    public async Task A_key_that_holds_something_else_is_a_miss_and_counted()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        var record = new TestRecord(1, 5000);
        await server.CommandAsync("LPUSH", tier.NameOf(record.Key), "1");

        Assert.Null(await tier.ReadAsync(record));

        Assert.Equal(1, tier.FailuresOf("server"));
    }

    [RedisFact]
    public async Task Without_the_password_nothing_is_there_and_the_count_says_why()
    {
        using var server = await RedisServer.StartAsync("--requirepass", "right");
        var record = new TestRecord(1, 5000);
        foreach (string connection in new[] { $"{server.Endpoint},password=wrong", server.Endpoint, $"{server.Endpoint},user=nobody,password=right" })
        {
            await using var denied = await RedisTier.OpenAsync(TierCalls.Options(connection));
            Assert.False(await denied.WriteAsync(record));
            Assert.Null(await denied.ReadAsync(record));
            Assert.Equal([Residence.Absent], await denied.LookupAsync([record]));
            Assert.Equal(new Dictionary<string, long> { ["denied"] = 3 }, denied.GetStatus().Failures);
        }

        await using var tier = await RedisTier.OpenAsync(TierCalls.Options($"{server.Endpoint},user=default,password=right"));
        Assert.True(await tier.WriteAsync(record));
    }

    [RedisTheory]
    [InlineData("-@write")]
    [InlineData("-@scripting")]
    public async Task A_user_without_the_right_to_write_is_refused_and_counted(string right)
    {
        using var server = await RedisServer.StartAsync();
        await server.CommandAsync("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@all", right);
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options($"{server.Endpoint},user=reader,password=secret"));

        Assert.False(await tier.WriteAsync(new TestRecord(1, 5000)));

        Assert.Equal(new Dictionary<string, long> { ["denied"] = 1 }, tier.GetStatus().Failures);
        Assert.Equal((0, 0), await server.MeasureAsync());

        // Bytes that no script came for go by themselves.
        foreach (string staged in (await server.CommandAsync("KEYS", "*")).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            Assert.InRange(int.Parse(await server.CommandAsync("TTL", staged)), 1, 60);
        }
    }

    [RedisFact]
    public async Task A_server_that_is_not_there_yet_is_used_once_it_is()
    {
        using var server = await RedisServer.StartAsync();
        server.Kill();
        var time = new ManualTime();
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options($"{server.Endpoint},connectTimeout=1000"), time);
        var record = new TestRecord(1, 5000);

        Assert.False(await tier.WriteAsync(record));
        Assert.Null(await tier.ReadAsync(record));
        Assert.Equal(2, tier.FailuresOf("io"));

        await server.RestartAsync();
        await TierCalls.EventuallyAsync(async () =>
        {
            time.Advance(TimeSpan.FromMinutes(5));
            return await tier.WriteAsync(record);
        });
        Assert.Equal(record.Bytes, await tier.ReadAsync(record));
    }

    [RedisFact]
    public async Task Tls_serves_whom_it_trusts_and_no_other()
    {
        using var certificates = TestCertificates.Create();
        using var server = await RedisServer.StartAsync(
            "--port", "0", "--tls-port", "{port}", "--tls-cert-file", certificates.ServerFile, "--tls-key-file", certificates.KeyFile, "--tls-ca-cert-file", certificates.AuthorityFile, "--tls-auth-clients", "no");
        var options = TierCalls.Options($"{server.Endpoint},ssl=true,connectTimeout=1000");
        var record = new TestRecord(1, 10 * Length);

        await using var tier = await RedisTier.OpenAsync(options with { TrustedIssuer = certificates.AuthorityFile });
        Assert.True(await tier.WriteAsync(record));
        Assert.Equal(record.Bytes, await tier.ReadAsync(record));

        await using var distrustful = await RedisTier.OpenAsync(options);
        Assert.Null(await distrustful.ReadAsync(record));
        await using var misled = await RedisTier.OpenAsync(options with { Connection = options.Connection + ",sslHost=another.example", TrustedIssuer = certificates.AuthorityFile });
        Assert.Null(await misled.ReadAsync(record));
        Assert.Equal((1, 1), (distrustful.GetStatus().Failures.Values.Sum(), misled.GetStatus().Failures.Values.Sum()));
    }

    [RedisFact]
    public async Task A_disposed_tier_misses_and_its_calls_under_way_end()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        var tier = await RedisTier.OpenAsync(TierCalls.Options(proxy.Endpoint));
        var record = new TestRecord(1, 5000);
        proxy.Hold();
        var read = tier.ReadAsync(record);

        await tier.DisposeAsync();

        Assert.Null(await read);
        Assert.False(await tier.WriteAsync(record));
        Assert.Equal(2, tier.FailuresOf("io"));
    }
}
