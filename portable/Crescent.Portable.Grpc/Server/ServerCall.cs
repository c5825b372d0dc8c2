using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server;

/// <summary>
/// One call from its first header to its status, which is sent exactly once: by the handler's end or by the deadline,
/// whichever comes first. A deadline does not wait for the handler, but the call's resources do.
/// </summary>
internal sealed partial class ServerCall : ServerCallContext, IDisposable
{
    private static readonly Status DeadlineExceeded = new(StatusCode.DeadlineExceeded, "The deadline has passed.");

    /// <summary>A timer holds 49 days; a longer timeout is none.</summary>
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMilliseconds(uint.MaxValue - 1);

    private readonly HttpContext _http;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _deadlineSource = new();

    /// <summary>Fires with <see cref="_deadlineSource"/> or the client's end.</summary>
    private readonly CancellationTokenSource _source;

    /// <summary>Held while a message or the status is written.</summary>
    private readonly SemaphoreSlim _writing = new(1);

    private bool _hasWritten;
    private bool _hasEnded;
    private DateTime _deadline = DateTime.MaxValue;
    private Metadata? _requestHeaders;

    private ServerCall(HttpContext http, GrpcServiceOptions options, ILogger logger)
    {
        _http = http;
        _logger = logger;
        _source = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted, _deadlineSource.Token);
        Requests = new MessageReader(
            http.Request.BodyReader, http.Request.Headers[Protocol.EncodingHeader], options.MaxReceiveMessageSize);
    }

    public MessageReader Requests { get; }

    public override CancellationToken CancellationToken => _source.Token;

    public override DateTime Deadline => _deadline;

    public override Metadata RequestHeaders => _requestHeaders ??= ReadHeaders(_http.Request.Headers);

    public static async Task RunAsync(
        HttpContext http, GrpcServiceOptions options, ILogger logger, Func<ServerCall, Task> handler)
    {
        if (!Admit(http))
        {
            return;
        }

        using var call = new ServerCall(http, options, logger);
        using var timer = call.StartDeadline();
        var (status, trailers) = await call.HandleAsync(handler);
        await call.EndAsync(status, trailers);
    }

    /// <summary>Frames a message; waits for the client to have room for it when it is flushed.</summary>
    public async Task WriteAsync<T>(Marshaller<T> marshaller, T message, bool flush)
    {
        await _writing.WaitAsync(CancellationToken);
        try
        {
            if (_hasEnded)
            {
                throw new InvalidOperationException("The call has ended: no message can follow its status.");
            }

            _hasWritten = true;
            marshaller.Serializer(message, new MessageWriter(_http.Response.BodyWriter));
            if (flush)
            {
                await _http.Response.BodyWriter.FlushAsync(CancellationToken);
                CancellationToken.ThrowIfCancellationRequested();
            }
        }
        finally
        {
            _writing.Release();
        }
    }

    public void Dispose()
    {
        _source.Dispose();
        _deadlineSource.Dispose();
    }

    /// <summary>Turns away what is not gRPC over HTTP/2, and lifts limits that would cut a long stream.</summary>
    private static bool Admit(HttpContext http)
    {
        if (!Protocol.IsGrpc(http.Request))
        {
            http.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return false;
        }

        if (!http.Response.SupportsTrailers())
        {
            http.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            http.Response.Headers.Upgrade = "h2c";
            return false;
        }

        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
        {
            size.MaxRequestBodySize = null;
        }

        if (http.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
        {
            rate.MinDataRate = null;
        }

        http.Response.ContentType = Protocol.ContentType;
        return true;
    }

    private static Metadata ReadHeaders(IHeaderDictionary headers)
    {
        var metadata = new Metadata();
        foreach (var (key, values) in headers)
        {
            foreach (var value in values)
            {
                if (!key.StartsWith(':') && value is not null)
                {
                    metadata.Add(key, value);
                }
            }
        }

        return metadata;
    }

    private CancellationTokenRegistration StartDeadline()
    {
        if (Protocol.ParseTimeout(_http.Request.Headers[Protocol.TimeoutHeader]) is not { } timeout
            || timeout > LongestTimeout)
        {
            return default;
        }

        _deadline = DateTime.UtcNow + timeout;
        var registration = _deadlineSource.Token.Register(() => _ = EndAsync(DeadlineExceeded, []));
        _deadlineSource.CancelAfter(timeout);
        return registration;
    }

    /// <summary>Runs the handler; never throws.</summary>
    private async Task<(Status Status, Metadata Trailers)> HandleAsync(Func<ServerCall, Task> handler)
    {
        try
        {
            await handler(this);
            return (new Status(StatusCode.OK, ""), []);
        }
        catch (RpcException exception)
        {
            return (exception.Status, exception.Trailers);
        }
        catch (Exception) when (_deadlineSource.IsCancellationRequested)
        {
            return (DeadlineExceeded, []);
        }
        catch (Exception) when (CancellationToken.IsCancellationRequested)
        {
            return (new Status(StatusCode.Cancelled, "The client is gone."), []);
        }
        catch (Exception exception)
        {
            LogHandlerFailed(exception, _http.Request.Path);
            return (new Status(StatusCode.Unknown, "The handler failed."), []);
        }
    }

    /// <summary>Sends the status and the trailers, unless that has happened; never throws.</summary>
    private async Task EndAsync(Status status, Metadata trailers)
    {
        await _writing.WaitAsync();
        try
        {
            if (_hasEnded)
            {
                return;
            }

            _hasEnded = true;
            if (_http.RequestAborted.IsCancellationRequested)
            {
                return;
            }

            // Without a message before it, the status goes into the headers and the headers end the stream.
            var destination = _hasWritten
                ? _http.Features.GetRequiredFeature<IHttpResponseTrailersFeature>().Trailers
                : _http.Response.Headers;
            foreach (var (key, value) in trailers)
            {
                destination.Append(key, value);
            }

            Protocol.WriteStatus(destination, status);
            await _http.Response.CompleteAsync();
        }
        catch (Exception exception)
        {
            LogStatusFailed(exception, _http.Request.Path);
        }
        finally
        {
            _writing.Release();
        }
    }

    [LoggerMessage(LogLevel.Error, "The handler of {Method} failed.")]
    private partial void LogHandlerFailed(Exception exception, string method);

    [LoggerMessage(LogLevel.Debug, "The status of {Method} could not be sent.")]
    private partial void LogStatusFailed(Exception exception, string method);
}
