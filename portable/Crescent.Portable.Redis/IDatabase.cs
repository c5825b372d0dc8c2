using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using StackExchange.Redis.Resp;

namespace StackExchange.Redis;

/// <summary>Commands; those sent without waiting in between share a round trip.</summary>
public interface IDatabase
{
    /// <returns>The string's bytes; null when there is none.</returns>
    Task<Lease<byte>?> StringGetLeaseAsync(RedisKey key);

    Task<bool> StringSetAsync(RedisKey key, RedisValue value, TimeSpan expiry);

    /// <summary>Sends the script's hash, and the script itself to a server that does not know it.</summary>
    Task<RedisResult> ScriptEvaluateAsync(string script, RedisKey[]? keys = null, RedisValue[]? values = null);

    Task<TimeSpan> PingAsync();
}

internal sealed class Database(ConnectionMultiplexer multiplexer, TimeSpan timeout) : IDatabase
{
    public async Task<Lease<byte>?> StringGetLeaseAsync(RedisKey key) => (await AskAsync("GET"u8.ToArray(), key.Bytes).ConfigureAwait(false)).Bulk;

    public async Task<bool> StringSetAsync(RedisKey key, RedisValue value, TimeSpan expiry)
    {
        byte[] milliseconds = Encoding.ASCII.GetBytes(((long)expiry.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        return (await AskAsync("SET"u8.ToArray(), key.Bytes, value.Bytes, "PX"u8.ToArray(), milliseconds).ConfigureAwait(false)).Text == "OK";
    }

    public async Task<RedisResult> ScriptEvaluateAsync(string script, RedisKey[]? keys = null, RedisValue[]? values = null)
    {
        byte[] text = Encoding.UTF8.GetBytes(script);
        byte[] hash = Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA1.HashData(text)));
        try
        {
            return new RedisResult(await AskAsync(Command("EVALSHA"u8, hash, keys ?? [], values ?? [])).ConfigureAwait(false));
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            return new RedisResult(await AskAsync(Command("EVAL"u8, text, keys ?? [], values ?? [])).ConfigureAwait(false));
        }
    }

    public async Task<TimeSpan> PingAsync()
    {
        long started = Stopwatch.GetTimestamp();
        await AskAsync("PING"u8.ToArray()).ConfigureAwait(false);
        return Stopwatch.GetElapsedTime(started);
    }

    private static ReadOnlyMemory<byte>[] Command(ReadOnlySpan<byte> verb, byte[] script, RedisKey[] keys, RedisValue[] values) =>
    [
        verb.ToArray(),
        script,
        Encoding.ASCII.GetBytes(keys.Length.ToString(CultureInfo.InvariantCulture)),
        .. keys.Select(key => key.Bytes),
        .. values.Select(value => value.Bytes),
    ];

    private Task<RespReply> AskAsync(params ReadOnlyMemory<byte>[] command) => multiplexer.Connection.AskAsync(command, timeout);
}
