using System.Text.Json;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Http;

/// <summary><c>/v1/chat/completions</c>.</summary>
internal sealed class ChatShape(Completion completion, bool logprobs, int choices) : ResponseShape(completion)
{
    private readonly bool[] _begun = new bool[choices];

    protected override string IdPrefix => "chatcmpl-";

    protected override string ObjectName => "chat.completion";

    protected override string ChunkObjectName => "chat.completion.chunk";

    /// <summary>
    /// The role comes alone, as OpenAI sends it: clients' accumulators count the log probabilities of a choice's first
    /// chunk twice.
    /// </summary>
    public override bool Opens(int choice) => !_begun[choice];

    protected override void WriteChoice(Utf8JsonWriter json, CompletionChoice choice)
    {
        json.WriteStartObject("message");
        json.WriteString("role", "assistant");
        json.WriteString("content", choice.Text);
        json.WriteNull("refusal");
        json.WriteEndObject();
        WriteLogprobs(json, logprobs ? choice.Tokens : null);
    }

    protected override void WriteDelta(Utf8JsonWriter json, CompletionDelta delta)
    {
        json.WriteStartObject("delta");
        if (!_begun[delta.Choice])
        {
            _begun[delta.Choice] = true;
            json.WriteString("role", "assistant");
            json.WriteString("content", delta.Text);
        }
        else if (delta.Text.Length > 0)
        {
            json.WriteString("content", delta.Text);
        }

        json.WriteEndObject();
        WriteLogprobs(json, logprobs && delta.Tokens.Count > 0 ? delta.Tokens : null);
    }

    private void WriteLogprobs(Utf8JsonWriter json, IReadOnlyList<GeneratedToken>? tokens)
    {
        if (tokens is null)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("content");
        foreach (GeneratedToken token in tokens)
        {
            json.WriteStartObject();
            WriteToken(json, token.Id, token.Logprob ?? 0);
            json.WriteStartArray("top_logprobs");
            foreach (TokenLogprob top in token.TopLogprobs)
            {
                json.WriteStartObject();
                WriteToken(json, top.Token, top.Logprob);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNull("refusal");
        json.WriteEndObject();
    }

    private void WriteToken(Utf8JsonWriter json, int token, float logprob)
    {
        json.WriteString("token", TextOf(token));
        json.WriteNumber("logprob", Finite(logprob));
        json.WriteStartArray("bytes");
        foreach (byte b in Completion.Model.Tokenizer.GetBytes(token).Span)
        {
            json.WriteNumberValue(b);
        }

        json.WriteEndArray();
    }
}
