namespace Grpc.Core;

/// <summary>The messages a client streams. One reader at a time.</summary>
public interface IAsyncStreamReader<out T>
{
    /// <summary>The message the last successful move came to.</summary>
    T Current { get; }

    /// <summary>False when the client has sent its last message.</summary>
    Task<bool> MoveNext(CancellationToken cancellationToken);
}

/// <summary>The messages a handler streams. One writer at a time.</summary>
public interface IServerStreamWriter<in T>
{
    /// <summary>Completes when the message is on its way; waits while the client reads slower than the handler writes.</summary>
    /// <exception cref="OperationCanceledException">The client is gone or the deadline has passed.</exception>
    Task WriteAsync(T message);
}
