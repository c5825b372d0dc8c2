using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Crescent.Gateway.Http;

/// <summary>
/// Server-sent events. The response begins with the first event, or with the first comment that keeps an idle
/// stream open; until then a refusal can still become a status. Sends are for one caller at a time.
/// </summary>
internal sealed class EventStream : IAsyncDisposable
{
    private readonly HttpContext _http;
    private readonly PipeWriter _writer;
    private readonly Utf8JsonWriter _json;
    private readonly SemaphoreSlim _gate = new(1);
    private readonly PeriodicTimer _timer;
    private readonly Task _keepingAlive;
    private bool _sentSinceTick;
    private bool _started;

    /// <param name="keepAlive">After this long without an event comes a comment; it may take up to twice as long.</param>
    public EventStream(HttpContext http, TimeSpan keepAlive, TimeProvider time)
    {
        _http = http;
        _writer = http.Response.BodyWriter;
        _json = new Utf8JsonWriter(_writer, JsonResponse.WriterOptions);
        _timer = new PeriodicTimer(keepAlive, time);
        _keepingAlive = KeepAliveAsync();
    }

    /// <summary>Sends one event and flushes it; waits for a client that reads slowly.</summary>
    public async ValueTask SendAsync<T>(T state, Action<Utf8JsonWriter, T> write)
    {
        await _gate.WaitAsync(_http.RequestAborted).ConfigureAwait(false);
        try
        {
            Start();
            _writer.Write("data: "u8);
            _json.Reset();
            write(_json, state);
            _json.Flush();
            _writer.Write("\n\n"u8);
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Tells the client that nothing follows.</summary>
    public async ValueTask SendDoneAsync()
    {
        await _gate.WaitAsync(_http.RequestAborted).ConfigureAwait(false);
        try
        {
            Start();
            _writer.Write("data: [DONE]\n\n"u8);
            await FlushAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>From here on the response begins with an event or not at all.</summary>
    public async ValueTask StopKeepAliveAsync()
    {
        _timer.Dispose();
        await _keepingAlive.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        await StopKeepAliveAsync().ConfigureAwait(false);
        _gate.Dispose();
        await _json.DisposeAsync().ConfigureAwait(false);
    }

    private async Task KeepAliveAsync()
    {
        try
        {
            while (await _timer.WaitForNextTickAsync(_http.RequestAborted).ConfigureAwait(false))
            {
                await _gate.WaitAsync(_http.RequestAborted).ConfigureAwait(false);
                try
                {
                    if (!_sentSinceTick)
                    {
                        Start();
                        _writer.Write(": keep-alive\n\n"u8);
                        await _writer.FlushAsync(_http.RequestAborted).ConfigureAwait(false);
                    }

                    _sentSinceTick = false;
                }
                finally
                {
                    _gate.Release();
                }
            }
        }
        catch (Exception) when (_http.RequestAborted.IsCancellationRequested)
        {
            // The client is gone; whoever sends the next event finds out by itself.
        }
    }

    private async ValueTask FlushAsync()
    {
        _sentSinceTick = true;
        await _writer.FlushAsync(_http.RequestAborted).ConfigureAwait(false);
    }

    private void Start()
    {
        if (_started)
        {
            return;
        }

        _started = true;
        _http.Response.ContentType = "text/event-stream; charset=utf-8";
        _http.Response.Headers.CacheControl = "no-cache";
        _http.Response.Headers["X-Accel-Buffering"] = "no";
        _http.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
    }
}
