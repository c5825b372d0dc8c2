using System.Buffers;
using System.Text.Json;
using Crescent.Gateway.Auth;
using Crescent.Gateway.Generation;
using Microsoft.AspNetCore.Http;

namespace Crescent.Gateway.Http;

/// <summary><c>/v1/chat/completions</c> and <c>/v1/completions</c>, streamed or whole.</summary>
internal sealed class CompletionEndpoints(
    CompletionPipeline pipeline,
    ApiKeyAuthenticator authenticator,
    GatewayOptions options,
    TimeProvider time)
{
    public async Task ChatAsync(HttpContext http)
    {
        HttpCompletionRequest request = await ReadAsync(http, RequestReader.ReadChat).ConfigureAwait(false);
        Completion completion = pipeline.Prepare(request.Request);
        await AnswerAsync(http, request, completion, new ChatShape(completion, request.Request.TopLogprobs is not null, request.Request.N))
            .ConfigureAwait(false);
    }

    public async Task TextAsync(HttpContext http)
    {
        HttpCompletionRequest request = await ReadAsync(http, RequestReader.ReadText).ConfigureAwait(false);
        Completion completion = pipeline.Prepare(request.Request);
        await AnswerAsync(http, request, completion, new TextShape(completion, request.Request.TopLogprobs is not null))
            .ConfigureAwait(false);
    }

    private async Task<HttpCompletionRequest> ReadAsync(HttpContext http, Func<JsonElement, string, HttpCompletionRequest> read)
    {
        string tenant = authenticator.Authenticate(http.Request.Headers.Authorization);
        using JsonDocument body = await RequestBody.ReadJsonAsync(http, options.MaxBodyBytes).ConfigureAwait(false);
        try
        {
            return read(body.RootElement, tenant);
        }
        catch (InvalidOperationException)
        {
            // JsonElement's way to say that an escape is half a surrogate pair, here in a member's name.
            throw new RequestException(RefusalKind.Invalid, "The body has an unpaired surrogate (\\ud800–\\udfff).", code: "invalid_json");
        }
    }

    private async Task AnswerAsync(HttpContext http, HttpCompletionRequest request, Completion completion, ResponseShape shape)
    {
        http.Response.Headers["x-request-id"] = shape.Id;
        if (request.Stream)
        {
            await StreamAsync(http, request, completion, shape).ConfigureAwait(false);
            return;
        }

        CompletionResult result = await completion.CollectAsync(http.RequestAborted).ConfigureAwait(false);
        http.RequestAborted.ThrowIfCancellationRequested();
        int status = StatusCodes.Status200OK;
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonResponse.WriterOptions))
        {
            if (result.Choices.FirstOrDefault(c => c.FinishReason == FinishReason.Error) is { } failed)
            {
                status = StatusCodes.Status500InternalServerError;
                HttpErrors.WriteError(json, status, Failure(failed.Error));
            }
            else
            {
                shape.WriteResult(json, result);
            }
        }

        http.Response.StatusCode = status;
        await JsonResponse.SendAsync(http, buffer.WrittenMemory).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext http, HttpCompletionRequest request, Completion completion, ResponseShape shape)
    {
        await using var events = new EventStream(http, options.KeepAliveInterval, time);
        try
        {
            await foreach (CompletionDelta delta in completion.RunAsync(http.RequestAborted).ConfigureAwait(false))
            {
                if (delta.FinishReason == FinishReason.Error)
                {
                    await SendErrorAsync(events, StatusCodes.Status500InternalServerError, Failure(delta.Error)).ConfigureAwait(false);
                    return;
                }

                if (IsVisible(delta, request.Request))
                {
                    if (shape.Opens(delta.Choice))
                    {
                        await SendChunkAsync(events, shape, new CompletionDelta { Choice = delta.Choice }, request).ConfigureAwait(false);
                    }

                    await SendChunkAsync(events, shape, delta, request).ConfigureAwait(false);
                }
            }
        }
        catch (RequestException refusal)
        {
            await events.StopKeepAliveAsync().ConfigureAwait(false);
            if (!http.Response.HasStarted)
            {
                throw;
            }

            await SendErrorAsync(events, HttpErrors.StatusOf(refusal.Kind), refusal).ConfigureAwait(false);
            return;
        }

        if (request.IncludeUsage)
        {
            await events.SendAsync(shape, static (json, s) => s.WriteUsageChunk(json)).ConfigureAwait(false);
        }

        await events.SendDoneAsync().ConfigureAwait(false);
    }

    private static bool IsVisible(CompletionDelta delta, CompletionRequest request) =>
        delta.Text.Length > 0
        || delta.FinishReason is not null
        || (request.TopLogprobs is not null && delta.Tokens.Count > 0);

    private static ValueTask SendChunkAsync(EventStream events, ResponseShape shape, CompletionDelta delta, HttpCompletionRequest request) =>
        events.SendAsync(
            (shape, delta, request.IncludeUsage),
            static (json, s) => s.shape.WriteChunk(json, s.delta, s.IncludeUsage));

    private static ValueTask SendErrorAsync(EventStream events, int status, RequestException error) =>
        events.SendAsync((status, error), static (json, s) => HttpErrors.WriteError(json, s.status, s.error));

    private static RequestException Failure(string? error) =>
        new(RefusalKind.Unavailable, error ?? "The worker failed.", code: "worker_failed");
}
