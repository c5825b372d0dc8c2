using System.Buffers;
using System.Text;
using StackExchange.Redis;

namespace Crescent.Portable.Tests.Redis;

public class ProtocolTests
{
    [Fact]
    public async Task Replies_are_read_whatever_pieces_they_come_in()
    {
        string text = string.Concat(Enumerable.Range(0, 300).Select(i => $"{i}\r\n"));
        using var server = new FakeRedis(words => words[1] switch
        {
            "missing" => "$-1\r\n",
            "empty" => "$0\r\n\r\n",
            _ => $"${text.Length}\r\n{text}\r\n",
        });
        var database = await ConnectAsync(server);

        string?[] read = await Task.WhenAll(GetAsync(database, "a"), GetAsync(database, "missing"), GetAsync(database, "empty"), GetAsync(database, "b"));

        Assert.Equal([text, null, "", text], read.AsEnumerable());
    }

    [Fact]
    public async Task A_script_is_sent_by_its_hash_and_in_full_to_a_server_that_does_not_know_it()
    {
        var sent = new List<string[]>();
        using var server = new FakeRedis(words =>
        {
            sent.Add(words);
            return words[0] == "EVALSHA" ? "-NOSCRIPT No matching script\r\n" : "*3\r\n:1\r\n:-5\r\n:9007199254740993\r\n";
        });
        var database = await ConnectAsync(server);

        long[]? result = (long[]?)await database.ScriptEvaluateAsync("return 1", ["k"], [7L, "v", (ReadOnlyMemory<byte>)new byte[100_000]]);

        Assert.Equal([1, -5, 9007199254740993], result!.AsEnumerable());
        Assert.Equal(["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "1", "k", "7", "v"], sent[0][..6].AsEnumerable());
        Assert.Equal(["EVAL", "return 1", "1", "k", "7", "v", new string('\0', 100_000)], sent[1].AsEnumerable());
    }

    [Fact]
    public async Task An_error_is_the_answer_to_its_own_command_only()
    {
        using var server = new FakeRedis(words => words[1] == "bad" ? "-WRONGTYPE it is a list\r\n" : "$1\r\nx\r\n");
        var database = await ConnectAsync(server);

        var bad = GetAsync(database, "bad");
        var good = GetAsync(database, "good");

        Assert.Equal("WRONGTYPE it is a list", (await Assert.ThrowsAsync<RedisServerException>(() => bad)).Message);
        Assert.Equal("x", await good);
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n\r\n")]
    [InlineData("$3\r\nabcd\r\n")]
    [InlineData("$x\r\n")]
    [InlineData("$99999999999\r\n")]
    [InlineData("*-2\r\n")]
    public async Task What_is_no_reply_ends_the_connection_and_there_is_a_new_one(string garbage)
    {
        bool asked = false;
        using var server = new FakeRedis(_ =>
        {
            string reply = asked ? "$1\r\nx\r\n" : garbage;
            asked = true;
            return reply;
        });
        var database = await ConnectAsync(server);

        await Assert.ThrowsAsync<RedisConnectionException>(() => GetAsync(database, "a"));

        string? read = null;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        while (read is null)
        {
            try
            {
                read = await GetAsync(database, "a");
            }
            catch (RedisConnectionException)
            {
                await Task.Delay(20, limit.Token);
            }
        }

        Assert.Equal("x", read);
    }

    private static async Task<IDatabase> ConnectAsync(FakeRedis server)
    {
        var options = ConfigurationOptions.Parse(server.Endpoint);
        options.AsyncTimeout = 120_000;
        return (await ConnectionMultiplexer.ConnectAsync(options)).GetDatabase();
    }

    private static async Task<string?> GetAsync(IDatabase database, string key)
    {
        using IMemoryOwner<byte>? lease = await database.StringGetLeaseAsync(key);
        return lease is null ? null : Encoding.Latin1.GetString(lease.Memory.Span);
    }
}
