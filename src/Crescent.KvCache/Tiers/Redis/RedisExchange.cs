using StackExchange.Redis;

namespace Crescent.KvCache.Tiers.Redis;

/// <summary>
/// The way to Redis: one pipelined connection, bounded in what is under way, each call bounded in time, and left alone for
/// a while when it fails. What goes wrong is counted and answered with nothing.
/// </summary>
internal sealed class RedisExchange : IAsyncDisposable
{
    private readonly RedisTierOptions _options;
    private readonly TimeProvider _time;
    private readonly TierCounters _counters;
    private readonly InFlightBudget _budget;
    private readonly Breaker _breaker;
    private readonly CancellationTokenSource _disposing = new();
    private readonly Task _running;
    private readonly TaskCompletionSource _attempted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile IDatabase? _database;

    private RedisExchange(RedisTierOptions options, TierCounters counters, TimeProvider time)
    {
        _options = options;
        _time = time;
        _counters = counters;
        _budget = new InFlightBudget(options.MaxRequestsInFlight, options.MaxBytesInFlight);
        _breaker = new Breaker(time, options.Pause);
        _running = RunAsync(Configure(options));
    }

    /// <inheritdoc cref="RedisTier.OpenAsync"/>
    public static async Task<RedisExchange> OpenAsync(RedisTierOptions options, TierCounters counters, TimeProvider time)
    {
        var exchange = new RedisExchange(options, counters, time);
        await Task.WhenAny(exchange._attempted.Task, Task.Delay(options.Timeout, time)).ConfigureAwait(false);
        return exchange;
    }

    /// <param name="bytes">What the call counts as, of the bytes that may be under way.</param>
    /// <param name="call">Sends everything before it waits for anything: that is one round trip.</param>
    /// <returns>Whether Redis answered, and what.</returns>
    public async ValueTask<(bool Answered, T? Answer)> AskAsync<T>(long bytes, Func<IDatabase, Task<T>> call, CancellationToken cancellationToken)
    {
        if (!MayAsk())
        {
            _counters.Fail("paused");
            return default;
        }

        if (_database is not { } database)
        {
            return Fail<T>("io");
        }

        if (!_budget.TryTake(bytes))
        {
            _counters.Fail("busy");
            return default;
        }

        var answering = SendAsync(bytes, database, call);
        try
        {
            var answer = await answering.WaitAsync(_options.Timeout, _time, cancellationToken).ConfigureAwait(false);
            _breaker.Succeed();
            return (true, answer);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception exception) when (ReasonOf(exception) is { } reason)
        {
            return Fail<T>(reason);
        }
    }

    public async ValueTask DisposeAsync()
    {
        _database = null;
        await _disposing.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
    }

    /// <summary>Why a call failed, or null when it is a bug.</summary>
    public static string? ReasonOf(Exception exception) => exception switch
    {
        TimeoutException => "timeout",
        RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } => "denied",
        RedisConnectionException { InnerException: RedisConnectionException { FailureType: ConnectionFailureType.AuthenticationFailure } } => "denied",
        RedisServerException { Message: var message } when IsDenial(message) => "denied",
        RedisServerException => "server",
        RedisException or ObjectDisposedException or OperationCanceledException => "io",
        _ => null,
    };

    /// <summary>Of a command, or of one inside a script, as Redis 7.0 and later ones put it.</summary>
    private static bool IsDenial(string message) =>
        message.StartsWith("NOAUTH", StringComparison.Ordinal)
        || message.StartsWith("WRONGPASS", StringComparison.Ordinal)
        || message.StartsWith("NOPERM", StringComparison.Ordinal)
        || message.Contains("The user executing the script", StringComparison.Ordinal)
        || message.Contains("ACL failure in script", StringComparison.Ordinal);

    private static ConfigurationOptions Configure(RedisTierOptions options)
    {
        var configuration = ConfigurationOptions.Parse(options.Connection);
        configuration.AbortOnConnectFail = false;
        configuration.BacklogPolicy = BacklogPolicy.FailFast;
        configuration.AsyncTimeout = (int)options.Timeout.TotalMilliseconds;
        if (options.TrustedIssuer is { } issuer)
        {
            configuration.TrustIssuer(issuer);
        }

        return configuration;
    }

    /// <summary>Has a connection that the client keeps up, as soon as it can be made and until this is disposed.</summary>
    private async Task RunAsync(ConfigurationOptions configuration)
    {
        while (!_disposing.IsCancellationRequested)
        {
            try
            {
                var connection = await ConnectionMultiplexer.ConnectAsync(configuration).ConfigureAwait(false);
                _database = connection.GetDatabase();
                _attempted.TrySetResult();
                await Task.Delay(Timeout.InfiniteTimeSpan, _disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                _database = null;
                await connection.CloseAsync(allowCommandsToComplete: false).ConfigureAwait(false);
            }
            catch (Exception exception) when (ReasonOf(exception) is not null)
            {
                // No Sentinel knows a primary: then the client has nothing to keep up.
                _attempted.TrySetResult();
                await Task.Delay(_options.Pause, _time, _disposing.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private bool MayAsk()
    {
        switch (_breaker.Advise())
        {
            case Breaker.Advice.Ask:
                return true;
            case Breaker.Advice.Probe:
                _ = ProbeAsync();
                return false;
            default:
                return false;
        }
    }

    private async Task ProbeAsync()
    {
        bool answered = false;
        try
        {
            if (_database is { } database)
            {
                await database.PingAsync().WaitAsync(_options.Timeout, _time).ConfigureAwait(false);
                answered = true;
            }
        }
        catch (Exception exception) when (ReasonOf(exception) is not null)
        {
        }
        finally
        {
            _breaker.EndProbe(answered);
        }
    }

    /// <summary>Holds its part of what may be under way until the client is done with it, whoever still waits.</summary>
    private async Task<T> SendAsync<T>(long bytes, IDatabase database, Func<IDatabase, Task<T>> call)
    {
        try
        {
            return await call(database).ConfigureAwait(false);
        }
        finally
        {
            _budget.Return(bytes);
        }
    }

    private (bool Answered, T? Answer) Fail<T>(string reason)
    {
        _counters.Fail(reason);
        if (reason is "timeout" or "io" or "denied")
        {
            _breaker.Fail();
        }
        else
        {
            _breaker.Succeed();
        }

        return default;
    }
}
