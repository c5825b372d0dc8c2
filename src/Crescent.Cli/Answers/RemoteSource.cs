using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Crescent.Gateway.Generation;

namespace Crescent.Cli.Answers;

/// <summary>A model behind an OpenAI-compatible URL.</summary>
internal sealed class RemoteSource : IAnswerSource
{
    private const string Done = "[DONE]";

    private readonly NodeClient _client;

    private RemoteSource(NodeClient client, string model)
    {
        _client = client;
        Model = model;
    }

    public string Model { get; }

    public string Url => _client.Url;

    /// <param name="client">Belongs to the source from now on.</param>
    /// <param name="model">null: the first one that is served.</param>
    /// <exception cref="CliException">The server cannot be reached, or serves no model yet.</exception>
    public static async Task<RemoteSource> ConnectAsync(NodeClient client, string? model, CancellationToken cancellationToken)
    {
        if (model is null)
        {
            var models = await client.GetModelsAsync(cancellationToken);
            model = models.Count > 0 ? models[0].Id : throw new CliException($"{client.Url} serves no model yet");
        }

        return new RemoteSource(client, model);
    }

    /// <returns>null: the server does not tell.</returns>
    /// <exception cref="CliException">No answer, or an error.</exception>
    public async Task<int?> ContextLengthAsync(CancellationToken cancellationToken) =>
        (await _client.GetModelsAsync(cancellationToken)).FirstOrDefault(model => model.Id == Model)?.ContextLength;

    public async IAsyncEnumerable<AnswerPart> AskAsync(
        CompletionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        bool chat = request.Prompts[0] is Prompt.Messages;
        using var response = await OrNullAsync(
            () => _client.PostAsync(chat ? "v1/chat/completions" : "v1/completions", json => Write(json, request), cancellationToken), cancellationToken);
        FinishReason? reason = null;
        CompletionUsage? usage = null;
        if (response is not null)
        {
            await using var stream = await response.Content.ReadAsStreamAsync(CancellationToken.None);
            await using var events = SseParser.Create(stream).EnumerateAsync(cancellationToken).GetAsyncEnumerator(CancellationToken.None);
            while (await OrNullAsync(() => NextAsync(events), cancellationToken) is { } data && data != Done)
            {
                var chunk = Chunk.Read(data, chat);
                reason ??= chunk.Reason;
                usage ??= chunk.Usage;
                if (chunk.Error is { } error)
                {
                    yield return new AnswerPart { End = new AnswerEnd(FinishReason.Error, usage, error) };
                    yield break;
                }

                if (chunk.Text.Length > 0)
                {
                    yield return new AnswerPart { Text = chunk.Text };
                }
            }
        }

        yield return new AnswerPart
        {
            End = cancellationToken.IsCancellationRequested ? new AnswerEnd(FinishReason.Cancelled, usage)
                : reason is { } known ? new AnswerEnd(known, usage)
                : new AnswerEnd(FinishReason.Error, usage, $"{_client.Url} ended the stream too early"),
        };
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private void Write(Utf8JsonWriter json, CompletionRequest request)
    {
        json.WriteString("model", Model);
        if (request.Prompts[0] is Prompt.Messages messages)
        {
            json.WriteStartArray("messages");
            foreach (var turn in messages.Turns)
            {
                json.WriteStartObject();
                json.WriteString("role", turn.Role);
                json.WriteString("content", turn.Content);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            if (messages.EnableThinking is { } thinking)
            {
                json.WriteStartObject("chat_template_kwargs");
                json.WriteBoolean("enable_thinking", thinking);
                json.WriteEndObject();
            }
        }
        else
        {
            json.WriteString("prompt", ((Prompt.Text)request.Prompts[0]).Value);
        }

        WriteSampling(json, request);
        json.WriteBoolean("stream", true);
        json.WriteStartObject("stream_options");
        json.WriteBoolean("include_usage", true);
        json.WriteEndObject();
    }

    private static void WriteSampling(Utf8JsonWriter json, CompletionRequest request)
    {
        WriteNumber("max_tokens", request.MaxTokens);
        WriteNumber("temperature", request.Sampling.Temperature);
        WriteNumber("top_p", request.Sampling.TopP);
        WriteNumber("top_k", request.Sampling.TopK);
        WriteNumber("repetition_penalty", request.Sampling.RepetitionPenalty);
        WriteNumber("seed", request.Seed);
        if (request.Stop.Count > 0)
        {
            json.WriteStartArray("stop");
            foreach (string stop in request.Stop)
            {
                json.WriteStringValue(stop);
            }

            json.WriteEndArray();
        }

        void WriteNumber<T>(string name, T? value)
            where T : struct, IFormattable
        {
            if (value is { } number)
            {
                json.WritePropertyName(name);
                json.WriteRawValue(number.ToString(null, System.Globalization.CultureInfo.InvariantCulture));
            }
        }
    }

    private static async Task<string?> NextAsync(IAsyncEnumerator<SseItem<string>> events) =>
        await events.MoveNextAsync() ? events.Current.Data : null;

    /// <returns>null: the caller cancelled.</returns>
    private static async Task<T?> OrNullAsync<T>(Func<Task<T?>> step, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await step();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException && cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    /// <summary>What one event says.</summary>
    private sealed record Chunk(string Text, FinishReason? Reason, CompletionUsage? Usage, string? Error)
    {
        public static Chunk Read(string data, bool chat)
        {
            try
            {
                using var document = JsonDocument.Parse(data);
                return Read(document.RootElement, chat);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or KeyNotFoundException)
            {
                throw new CliException("the server sent an event that is not a completion chunk");
            }
        }

        private static Chunk Read(JsonElement chunk, bool chat)
        {
            if (chunk.TryGetProperty("error", out var error))
            {
                return new Chunk("", null, null, NodeClient.ErrorMessage(error));
            }

            CompletionUsage? usage = chunk.TryGetProperty("usage", out var u) && u.ValueKind == JsonValueKind.Object ? ReadUsage(u) : null;
            var choices = chunk.GetProperty("choices");
            if (choices.GetArrayLength() == 0)
            {
                return new Chunk("", null, usage, null);
            }

            var choice = choices[0];
            var holder = chat ? choice.GetProperty("delta") : choice;
            string text = holder.TryGetProperty(chat ? "content" : "text", out var t) ? t.GetString() ?? "" : "";
            return new Chunk(text, ReadReason(choice), usage, null);
        }

        /// <summary>OpenAI's words, and behind "length" what <c>stop_reason</c> tells.</summary>
        private static FinishReason? ReadReason(JsonElement choice) =>
            !choice.TryGetProperty("finish_reason", out var reason) || reason.ValueKind == JsonValueKind.Null ? null
            : reason.GetString() == "stop" ? FinishReason.Stop
            : choice.TryGetProperty("stop_reason", out var detail) && detail.ValueKind == JsonValueKind.String
                && Enum.TryParse<FinishReason>(detail.GetString(), ignoreCase: true, out var known) ? known
            : FinishReason.Length;

        private static CompletionUsage ReadUsage(JsonElement usage) => new(
            usage.GetProperty("prompt_tokens").GetInt32(),
            usage.GetProperty("completion_tokens").GetInt32(),
            usage.TryGetProperty("prompt_tokens_details", out var details) && details.ValueKind == JsonValueKind.Object
                && details.TryGetProperty("cached_tokens", out var cached) ? cached.GetInt32() : 0);
    }
}
