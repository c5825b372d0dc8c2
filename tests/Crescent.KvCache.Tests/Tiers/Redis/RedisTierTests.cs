using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Redis;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Redis;

public class RedisTierTests
{
    [RedisFact]
    public async Task What_was_written_is_read_and_found_until_it_is_removed()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        var record = new TestRecord(1, 300_000);

        Assert.Null(await tier.ReadAsync(record));
        Assert.True(await tier.WriteAsync(record));
        Assert.Equal([Residence.Present], await tier.LookupAsync([record]));
        Assert.Equal(record.Bytes, await tier.ReadAsync(record));
        await tier.RemoveAsync(record.Key, default);
        Assert.Equal([Residence.Absent], await tier.LookupAsync([record]));

        var status = tier.GetStatus();
        Assert.Equal((0, 0, 1, 1, 1), (status.Records, status.Bytes, status.Hits, status.Misses, status.Writes));
        Assert.Empty(status.Failures);
    }

    [RedisFact]
    public async Task A_record_that_is_there_is_left_as_it_is()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        var record = new TestRecord(1, 1000);
        await tier.WriteAsync(record);

        Assert.True(await tier.WriteAsync(record.Key, new byte[500], default));

        Assert.Equal(record.Bytes, await tier.ReadAsync(record));
        Assert.Equal(1000, tier.GetStatus().Bytes);
    }

    [RedisFact]
    public async Task The_same_block_in_two_encodings_is_two_records()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        var record = new TestRecord(1, 1000);
        await tier.WriteAsync(record);

        Assert.Null(await tier.ReadAsync(record.Key with { Encoding = "int8" }, default));
    }

    [RedisFact]
    public async Task A_lookup_of_thousands_answers_each_key_in_its_place()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        var records = TestRecord.Many(2500, 200);
        int[] written = [0, 7, 1023, 1024, 2047, 2048, 2499];
        await tier.WriteAllAsync(written.Select(i => records[i]));

        Assert.Equal(written, await tier.PresentAsync(records));
        Assert.Empty(await tier.LookupAsync([]));
    }

    [RedisFact]
    public async Task A_record_is_in_flight_until_its_write_has_ended()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        await using var writer = await RedisTier.OpenAsync(TierCalls.Options(proxy.Endpoint) with { MaxRequestsInFlight = 1 });
        await using var reader = await TierCalls.OpenAsync(server);
        TestRecord[] records = [new(1, 1000), new(2, 1000)];
        await writer.WriteAsync(records[1]);

        proxy.Hold();
        var write = writer.WriteAsync(records[0]);
        await TierCalls.EventuallyAsync(async () => (await reader.PresentAsync(records)).Count() == 2);

        // Its own lookup cannot be sent, and knows the key all the same.
        Assert.Equal(Residence.InFlight, (await writer.LookupAsync(records))[0]);
        Assert.False(write.IsCompleted);
        proxy.Release();
        Assert.True(await write);
        Assert.Equal([Residence.Present, Residence.Present], await writer.LookupAsync(records));
    }

    [RedisFact]
    public async Task Another_tier_of_the_same_prefix_finds_the_records_and_one_of_another_does_not()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server);
        await using var other = await TierCalls.OpenAsync(server);
        await using var stranger = await RedisTier.OpenAsync(TierCalls.Options(server.Endpoint) with { Prefix = "crescent:2" });
        var record = new TestRecord(1, 1000);
        await tier.WriteAsync(record);

        Assert.Equal(record.Bytes, await other.ReadAsync(record));
        Assert.Null(await stranger.ReadAsync(record));
    }

    [RedisFact]
    public async Task A_record_that_is_too_long_is_refused_and_one_that_another_wrote_is_a_miss()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options(server.Endpoint) with { MaxRecordBytes = 1000 });
        await using var larger = await TierCalls.OpenAsync(server);
        var record = new TestRecord(1, 1001);

        Assert.False(await tier.WriteAsync(record));
        await larger.WriteAsync(record);
        Assert.Null(await tier.ReadAsync(record));

        Assert.Equal(2, tier.FailuresOf("oversize"));
    }

    [RedisFact]
    public async Task What_is_above_the_bounds_of_requests_or_bytes_is_refused_at_once_and_counted()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        await using var tier = await RedisTier.OpenAsync(
            TierCalls.Options(proxy.Endpoint) with { MaxRequestsInFlight = 3, MaxRecordBytes = 1000, MaxBytesInFlight = 2000 });
        var records = TestRecord.Many(4, 1000);
        await tier.WriteAsync(records[3]);
        proxy.Hold();

        var first = tier.WriteAsync(records[0]);
        var second = tier.ReadAsync(records[3]);
        Assert.False(await tier.WriteAsync(records[1]));
        Assert.Null(await tier.ReadAsync(records[2]));
        Assert.Equal(2, tier.FailuresOf("busy"));
        var third = tier.LookupAsync(records);
        Assert.Equal([Residence.InFlight, Residence.Absent, Residence.Absent, Residence.Absent], await tier.LookupAsync(records));
        Assert.Equal(3, tier.FailuresOf("busy"));

        proxy.Release();
        Assert.True(await first);
        Assert.Equal(records[3].Bytes, await second);
        await third;
        Assert.True(await tier.WriteAsync(records[1]));
    }

    [RedisFact]
    public async Task A_read_renews_the_time_to_live()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options(server.Endpoint) with { TimeToLive = TimeSpan.FromHours(1) });
        var record = new TestRecord(1, 1000);
        string name = tier.NameOf(record.Key);
        await tier.WriteAsync(record);
        Assert.InRange(int.Parse(await server.CommandAsync("TTL", name)), 1, 3600);
        await server.CommandAsync("EXPIRE", name, "100");

        await tier.ReadAsync(record);

        // On the same connection, and so after what the read left behind.
        await tier.LookupAsync([record]);
        Assert.InRange(int.Parse(await server.CommandAsync("TTL", name)), 101, 3600);
    }

    [RedisFact]
    public async Task A_cancelled_call_ends_though_nothing_answers()
    {
        using var server = await RedisServer.StartAsync();
        using var proxy = new TcpProxy(server.Port);
        await using var tier = await RedisTier.OpenAsync(TierCalls.Options(proxy.Endpoint), new ManualTime());
        var record = new TestRecord(1, 1000);
        proxy.Hold();
        using var cancellation = new CancellationTokenSource();

        var read = tier.ReadAsync(record.Key, cancellation.Token);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        Assert.Empty(tier.GetStatus().Failures);
    }

    [RedisFact]
    public async Task Readers_and_writers_of_the_same_records_never_see_wrong_bytes()
    {
        using var server = await RedisServer.StartAsync();
        await using var tier = await TierCalls.OpenAsync(server, capacity: 40 * 20_000);
        await using var other = await TierCalls.OpenAsync(server, capacity: 40 * 20_000);
        var records = TestRecord.Many(60, 20_000);

        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(worker);
            var mine = worker % 2 == 0 ? tier : other;
            for (int i = 0; i < LongProofs.Count(200, 20_000); i++)
            {
                var record = records[random.Next(records.Length)];
                switch (random.Next(8))
                {
                    case < 3:
                        await mine.WriteAsync(record);
                        break;
                    case 3:
                        await mine.RemoveAsync(record.Key, default);
                        break;
                    default:
                        Assert.Contains(await mine.ReadAsync(record), new[] { null, record.Bytes });
                        break;
                }
            }
        })));

        await tier.WriteAsync(records[0]);
        var (count, bytes) = await server.MeasureAsync();
        var status = tier.GetStatus();
        Assert.Equal((count, bytes), (status.Records, status.Bytes));
        Assert.InRange(bytes, 1, status.CapacityBytes);
        Assert.Empty(status.Failures);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a*b")]
    [InlineData("a{b}")]
    public async Task A_prefix_that_would_mean_more_than_itself_is_refused(string prefix)
    {
        await Assert.ThrowsAsync<ArgumentException>(() => RedisTier.OpenAsync(TierCalls.Options("127.0.0.1:1") with { Prefix = prefix }));
    }
}
