namespace Grpc.Core;

/// <summary>How many messages a method takes and gives.</summary>
public enum MethodType
{
    /// <summary>One in, one out.</summary>
    Unary,

    /// <summary>Many in, one out.</summary>
    ClientStreaming,

    /// <summary>One in, many out.</summary>
    ServerStreaming,

    /// <summary>Many in, many out.</summary>
    DuplexStreaming,
}

/// <summary>One method of a service; its path on the wire is /service/method.</summary>
/// <param name="serviceName">With its package.</param>
public class Method<TRequest, TResponse>(
    MethodType type,
    string serviceName,
    string name,
    Marshaller<TRequest> requestMarshaller,
    Marshaller<TResponse> responseMarshaller)
{
    internal string FullName { get; } = $"/{serviceName}/{name}";

    internal MethodType Type { get; } = type;

    internal Marshaller<TRequest> RequestMarshaller { get; } = requestMarshaller;

    internal Marshaller<TResponse> ResponseMarshaller { get; } = responseMarshaller;
}

public delegate Task<TResponse> UnaryServerMethod<TRequest, TResponse>(TRequest request, ServerCallContext context)
    where TRequest : class
    where TResponse : class;

public delegate Task ServerStreamingServerMethod<TRequest, TResponse>(
    TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context)
    where TRequest : class
    where TResponse : class;

public delegate Task DuplexStreamingServerMethod<TRequest, TResponse>(
    IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context)
    where TRequest : class
    where TResponse : class;
