using Grpc.Core;

namespace Grpc.AspNetCore.Server;

internal sealed class RequestStream<T>(MessageReader reader, Marshaller<T> marshaller) : IAsyncStreamReader<T>
    where T : class
{
    private T? _current;

    public T Current => _current ?? throw new InvalidOperationException("There is no current message.");

    public async Task<bool> MoveNext(CancellationToken cancellationToken)
    {
        _current = await reader.ReadAsync(marshaller, cancellationToken);
        return _current is not null;
    }
}

internal sealed class ResponseStream<T>(ServerCall call, Marshaller<T> marshaller) : IServerStreamWriter<T>
{
    public Task WriteAsync(T message) => call.WriteAsync(marshaller, message, flush: true);
}
