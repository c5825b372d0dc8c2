namespace StackExchange.Redis;

public class RedisException : Exception
{
    internal RedisException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}

/// <summary>The server answered with an error.</summary>
public sealed class RedisServerException : RedisException
{
    internal RedisServerException(string message)
        : base(message)
    {
    }
}

/// <summary>There is no connection, or it ended before the answer.</summary>
public sealed class RedisConnectionException : RedisException
{
    internal RedisConnectionException(ConnectionFailureType failureType, string message, Exception? inner = null)
        : base(message, inner)
    {
        FailureType = failureType;
    }

    public ConnectionFailureType FailureType { get; }
}

public enum ConnectionFailureType
{
    UnableToConnect,
    AuthenticationFailure,
    SocketFailure,
    ProtocolFailure,
    ConnectionDisposed,
}
