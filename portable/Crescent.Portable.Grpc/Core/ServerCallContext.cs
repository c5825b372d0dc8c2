namespace Grpc.Core;

/// <summary>What a handler knows of its call.</summary>
public abstract class ServerCallContext
{
    private protected ServerCallContext()
    {
    }

    /// <summary>Fires when the client is gone or the deadline has passed.</summary>
    public abstract CancellationToken CancellationToken { get; }

    /// <summary>When the client stops waiting, in UTC; <see cref="DateTime.MaxValue"/> when it does not say.</summary>
    public abstract DateTime Deadline { get; }

    /// <summary>What the client sent beside the request, binary entries (-bin) left as base64.</summary>
    public abstract Metadata RequestHeaders { get; }
}
