using StackExchange.Redis.Resp;

namespace StackExchange.Redis;

/// <summary>One pipelined connection to one server, made again whenever it ends.</summary>
public sealed class ConnectionMultiplexer
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(5);

    private readonly ConfigurationOptions _options;
    private readonly CancellationTokenSource _disposing = new();
    private readonly TaskCompletionSource<RedisConnectionException?> _firstAttempt = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _running;
    private volatile RespConnection? _connection;
    private volatile RedisConnectionException _failure = new(ConnectionFailureType.UnableToConnect, "not connected to Redis yet");

    private ConnectionMultiplexer(ConfigurationOptions options)
    {
        _options = options;
        _running = Task.Run(RunAsync);
    }

    /// <exception cref="RedisConnectionException">There is no connection now.</exception>
    internal RespConnection Connection => _connection ?? throw new RedisConnectionException(_failure.FailureType, _failure.Message, _failure);

    /// <summary>Ends with the first attempt to connect, and unless <see cref="ConfigurationOptions.AbortOnConnectFail"/> whatever comes of it.</summary>
    public static async Task<ConnectionMultiplexer> ConnectAsync(ConfigurationOptions configuration)
    {
        var multiplexer = new ConnectionMultiplexer(configuration);
        if (await multiplexer._firstAttempt.Task.ConfigureAwait(false) is { } failure && configuration.AbortOnConnectFail)
        {
            await multiplexer.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
            throw failure;
        }

        return multiplexer;
    }

    public IDatabase GetDatabase() => new Database(this, TimeSpan.FromMilliseconds(_options.AsyncTimeout));

    /// <exception cref="NotSupportedException">Commands should complete.</exception>
    public async Task CloseAsync(bool allowCommandsToComplete)
    {
        if (allowCommandsToComplete)
        {
            throw new NotSupportedException("commands under way fail when the connection is closed");
        }

        await _disposing.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        var backoff = FirstBackoff;
        while (true)
        {
            try
            {
                await using var connection = await RespConnection.OpenAsync(_options, _disposing.Token).ConfigureAwait(false);
                backoff = FirstBackoff;
                _connection = connection;
                _firstAttempt.TrySetResult(null);
                _failure = await connection.EndAsync(_disposing.Token).ConfigureAwait(false);
            }
            catch (RedisConnectionException failure)
            {
                _failure = failure;
            }

            _connection = null;
            _firstAttempt.TrySetResult(_failure);
            if (_disposing.IsCancellationRequested)
            {
                return;
            }

            await Task.Delay(backoff, _disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            backoff = backoff * 2 < LongestBackoff ? backoff * 2 : LongestBackoff;
        }
    }
}
