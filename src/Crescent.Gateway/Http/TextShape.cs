using System.Text.Json;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Http;

/// <summary><c>/v1/completions</c>.</summary>
internal sealed class TextShape(Completion completion, bool logprobs) : ResponseShape(completion)
{
    protected override string IdPrefix => "cmpl-";

    protected override string ObjectName => "text_completion";

    protected override string ChunkObjectName => "text_completion";

    protected override void WriteChoice(Utf8JsonWriter json, CompletionChoice choice) =>
        Write(json, choice.Text, choice.Tokens);

    protected override void WriteDelta(Utf8JsonWriter json, CompletionDelta delta) =>
        Write(json, delta.Text, delta.Tokens);

    private void Write(Utf8JsonWriter json, string text, IReadOnlyList<GeneratedToken> tokens)
    {
        json.WriteString("text", text);
        if (!logprobs)
        {
            json.WriteNull("logprobs");
            return;
        }

        json.WriteStartObject("logprobs");
        json.WriteStartArray("tokens");
        foreach (GeneratedToken token in tokens)
        {
            json.WriteStringValue(TextOf(token.Id));
        }

        json.WriteEndArray();
        json.WriteStartArray("token_logprobs");
        foreach (GeneratedToken token in tokens)
        {
            json.WriteNumberValue(Finite(token.Logprob ?? 0));
        }

        json.WriteEndArray();
        json.WriteStartArray("top_logprobs");
        foreach (GeneratedToken token in tokens)
        {
            WriteTop(json, token);
        }

        json.WriteEndArray();
        json.WriteStartArray("text_offset");
        foreach (GeneratedToken token in tokens)
        {
            json.WriteNumberValue(token.TextOffset);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>By text; of tokens with the same text the likelier one stays. The chosen token is always there.</summary>
    private void WriteTop(Utf8JsonWriter json, GeneratedToken token)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        json.WriteStartObject();
        foreach (TokenLogprob top in token.TopLogprobs.Append(new TokenLogprob(token.Id, token.Logprob ?? 0)))
        {
            string text = TextOf(top.Token);
            if (written.Add(text))
            {
                json.WriteNumber(text, Finite(top.Logprob));
            }
        }

        json.WriteEndObject();
    }
}
