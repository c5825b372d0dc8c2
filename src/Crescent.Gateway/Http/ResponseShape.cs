using System.Text;
using System.Text.Json;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Http;

/// <summary>How one endpoint spells a completion in JSON.</summary>
internal abstract class ResponseShape(Completion completion)
{
    /// <summary>What OpenAI gives for a token that is impossible; JSON has no infinity.</summary>
    private const float LeastLogprob = -9999;

    protected Completion Completion { get; } = completion;

    /// <summary>What the client sees as the response's id.</summary>
    public string Id => IdPrefix + Completion.Id;

    protected abstract string IdPrefix { get; }

    protected abstract string ObjectName { get; }

    protected abstract string ChunkObjectName { get; }

    /// <summary>A whole response.</summary>
    public void WriteResult(Utf8JsonWriter json, CompletionResult result)
    {
        WriteHead(json, ObjectName);
        json.WriteStartArray("choices");
        foreach (CompletionChoice choice in result.Choices)
        {
            json.WriteStartObject();
            json.WriteNumber("index", choice.Choice);
            WriteChoice(json, choice);
            WriteFinish(json, choice.FinishReason, choice.StopString, choice.StopToken);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        WriteUsage(json, result.Usage);
        json.WriteEndObject();
    }

    /// <summary>One event of a stream.</summary>
    /// <param name="usagePending">The client asked for usage: it comes in the last chunk and is null in the others.</param>
    public void WriteChunk(Utf8JsonWriter json, CompletionDelta delta, bool usagePending)
    {
        WriteHead(json, ChunkObjectName);
        json.WriteStartArray("choices");
        json.WriteStartObject();
        json.WriteNumber("index", delta.Choice);
        WriteDelta(json, delta);
        WriteFinish(json, delta.FinishReason, delta.StopString, delta.StopToken);
        json.WriteEndObject();
        json.WriteEndArray();
        if (usagePending)
        {
            json.WriteNull("usage");
        }

        json.WriteEndObject();
    }

    public void WriteUsageChunk(Utf8JsonWriter json)
    {
        WriteHead(json, ChunkObjectName);
        json.WriteStartArray("choices");
        json.WriteEndArray();
        WriteUsage(json, Completion.Usage);
        json.WriteEndObject();
    }

    /// <summary>Whether a choice's stream begins with a chunk of its own, without text, that has not been written yet.</summary>
    public virtual bool Opens(int choice) => false;

    protected abstract void WriteChoice(Utf8JsonWriter json, CompletionChoice choice);

    protected abstract void WriteDelta(Utf8JsonWriter json, CompletionDelta delta);

    protected string TextOf(int token) => Encoding.UTF8.GetString(Completion.Model.Tokenizer.GetBytes(token).Span);

    protected static float Finite(float logprob) => float.IsFinite(logprob) ? logprob : LeastLogprob;

    private void WriteHead(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject();
        json.WriteString("id", Id);
        json.WriteString("object", name);
        json.WriteNumber("created", Completion.Created.ToUnixTimeSeconds());
        json.WriteString("model", Completion.Model.Id);
    }

    /// <summary>OpenAI knows stop and length; <c>stop_reason</c> tells what lies behind them.</summary>
    private static void WriteFinish(Utf8JsonWriter json, FinishReason? reason, string? stopString, int? stopToken)
    {
        json.WriteString("finish_reason", reason switch
        {
            null => null,
            FinishReason.Stop => "stop",
            _ => "length",
        });
        if (stopString is not null)
        {
            json.WriteString("stop_reason", stopString);
        }
        else if (stopToken is { } token)
        {
            json.WriteNumber("stop_reason", token);
        }
        else if (reason is FinishReason.Deadline or FinishReason.Drained or FinishReason.Cancelled)
        {
            json.WriteString("stop_reason", reason.ToString()!.ToLowerInvariant());
        }
    }

    private static void WriteUsage(Utf8JsonWriter json, CompletionUsage usage)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("prompt_tokens", usage.PromptTokens);
        json.WriteNumber("completion_tokens", usage.CompletionTokens);
        json.WriteNumber("total_tokens", usage.PromptTokens + usage.CompletionTokens);
        json.WriteStartObject("prompt_tokens_details");
        json.WriteNumber("cached_tokens", usage.CachedTokens);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
