namespace Crescent.Gateway.Admission;

/// <summary>
/// Bounds what is behind the gateway, running or waiting, by choices and by prompt tokens. Nothing queues here: what
/// does not fit is refused at once. Safe for concurrent use.
/// </summary>
public sealed class AdmissionControl(GatewayOptions options)
{
    /// <summary>The least a client should wait before it asks again.</summary>
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private int _requests;
    private long _promptTokens;

    /// <summary>Choices admitted and not yet released.</summary>
    public int Requests
    {
        get
        {
            lock (_lock)
            {
                return _requests;
            }
        }
    }

    /// <summary>Prompt tokens of admitted choices.</summary>
    public long PromptTokens
    {
        get
        {
            lock (_lock)
            {
                return _promptTokens;
            }
        }
    }

    /// <param name="requests">At least 1.</param>
    /// <param name="promptTokens">Of all the choices together.</param>
    /// <returns>Gives its share back when it is disposed.</returns>
    /// <exception cref="RequestException">There is no room.</exception>
    public IDisposable Admit(int requests, long promptTokens)
    {
        lock (_lock)
        {
            if (_requests > 0 && _requests + requests > options.MaxRequests)
            {
                throw Overloaded(
                    $"The server is running {_requests} of at most {options.MaxRequests} requests; {requests} more do not fit.");
            }

            if (_requests > 0 && _promptTokens + promptTokens > options.MaxPromptTokens)
            {
                throw Overloaded(
                    $"The server holds {_promptTokens} of at most {options.MaxPromptTokens} prompt tokens; {promptTokens} more do not fit.");
            }

            _requests += requests;
            _promptTokens += promptTokens;
        }

        return new Ticket(this, requests, promptTokens);
    }

    /// <summary>Refuses early, before a prompt is tokenized, what <see cref="Admit"/> would refuse in any case.</summary>
    /// <exception cref="RequestException">There is no room for one more request.</exception>
    public void ThrowIfFull()
    {
        int requests = Requests;
        if (requests > 0 && requests >= options.MaxRequests)
        {
            throw Overloaded($"The server is running {requests} of at most {options.MaxRequests} requests.");
        }
    }

    private static RequestException Overloaded(string message) =>
        new(RefusalKind.Overloaded, message, code: "overloaded") { RetryAfter = RetryAfter };

    private sealed class Ticket(AdmissionControl owner, int requests, long promptTokens) : IDisposable
    {
        private bool _released;

        public void Dispose()
        {
            lock (owner._lock)
            {
                if (_released)
                {
                    return;
                }

                _released = true;
                owner._requests -= requests;
                owner._promptTokens -= promptTokens;
            }
        }
    }
}
