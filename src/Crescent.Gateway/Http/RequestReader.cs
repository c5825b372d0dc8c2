using System.Globalization;
using System.Text.Json;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Http;

/// <param name="IncludeUsage">Whether a stream ends with a usage chunk.</param>
internal sealed record HttpCompletionRequest(CompletionRequest Request, bool Stream, bool IncludeUsage);

/// <summary>
/// Reads OpenAI's request bodies, and the members self-hosted servers commonly add: top_k, min_p, repetition_penalty,
/// stop_token_ids, ignore_eos, priority, cache_salt and chat_template_kwargs.enable_thinking. What a client asks for
/// and we do not do is refused by name; members we do not know are ignored.
/// </summary>
internal static class RequestReader
{
    public static HttpCompletionRequest ReadChat(JsonElement body, string tenant)
    {
        var fields = new JsonFields(body);
        Refuse(fields.TryGet("tools", out JsonElement tools) && !IsEmptyArray(tools), "tools", "Tools are not supported");
        Refuse(fields.TryGet("functions", out JsonElement functions) && !IsEmptyArray(functions), "functions", "Functions are not supported");
        Refuse(
            fields.Object("response_format")?.String("type") is not (null or "text"),
            "response_format",
            "Only the response format 'text' is supported");
        Refuse(
            fields.TryGet("modalities", out JsonElement kinds)
                && kinds.ValueKind == JsonValueKind.Array
                && kinds.EnumerateArray().Any(kind => !(kind.ValueKind == JsonValueKind.String && kind.ValueEquals("text"))),
            "modalities",
            "Only the modality 'text' is supported");

        bool logprobs = fields.Boolean("logprobs") ?? false;
        int? topLogprobs = fields.Integer("top_logprobs");
        if (topLogprobs is not null && !logprobs)
        {
            throw new RequestException(RefusalKind.Invalid, "'top_logprobs' needs 'logprobs' to be true.", "top_logprobs");
        }

        CompletionRequest request = ReadCommon(fields, [ReadMessages(fields)], tenant) with
        {
            MaxTokens = fields.Integer("max_completion_tokens") ?? fields.Integer("max_tokens"),
            TopLogprobs = logprobs ? topLogprobs ?? 0 : null,
        };
        return WithStream(fields, request);
    }

    public static HttpCompletionRequest ReadText(JsonElement body, string tenant)
    {
        var fields = new JsonFields(body);
        Refuse(fields.Boolean("echo") == true, "echo", "Echoing the prompt is not supported");
        Refuse(!string.IsNullOrEmpty(fields.String("suffix")), "suffix", "A suffix is not supported");
        Refuse(
            fields.Integer("best_of") is { } bestOf && bestOf != (fields.Integer("n") ?? 1),
            "best_of",
            "Choosing the best of several is not supported; best_of can only equal n");

        int? logprobs = fields.Integer("logprobs");
        if (logprobs is < 0 or > RequestValidator.MaxTopLogprobs)
        {
            throw new RequestException(
                RefusalKind.Invalid,
                $"'logprobs' must be between 0 and {RequestValidator.MaxTopLogprobs}, not {logprobs}.",
                "logprobs");
        }

        CompletionRequest request = ReadCommon(fields, ReadPrompts(fields), tenant) with
        {
            MaxTokens = fields.Integer("max_tokens"),
            TopLogprobs = logprobs,
        };
        return WithStream(fields, request);
    }

    private static CompletionRequest ReadCommon(JsonFields fields, IReadOnlyList<Prompt> prompts, string tenant) => new()
    {
        Model = fields.String("model") ?? throw Required("model"),
        Prompts = prompts,
        Sampling = new SamplingOverrides
        {
            Temperature = fields.Number("temperature"),
            TopK = fields.Integer("top_k"),
            TopP = fields.Number("top_p"),
            MinP = fields.Number("min_p"),
            RepetitionPenalty = fields.Number("repetition_penalty"),
            PresencePenalty = fields.Number("presence_penalty"),
            FrequencyPenalty = fields.Number("frequency_penalty"),
            LogitBias = ReadLogitBias(fields),
        },
        Stop = ReadStop(fields),
        StopTokenIds = fields.TryGet("stop_token_ids", out JsonElement ids) ? ReadTokens(ids, "stop_token_ids") : [],
        N = fields.Integer("n") ?? 1,
        Seed = fields.Seed("seed"),
        IgnoreEos = fields.Boolean("ignore_eos") ?? false,
        Priority = fields.Integer("priority") ?? 0,
        CacheSalt = fields.String("cache_salt"),
        Tenant = tenant,
    };

    private static HttpCompletionRequest WithStream(JsonFields fields, CompletionRequest request)
    {
        bool stream = fields.Boolean("stream") ?? false;
        JsonFields? options = fields.Object("stream_options");
        if (options is not null && !stream)
        {
            throw new RequestException(RefusalKind.Invalid, "'stream_options' needs 'stream' to be true.", "stream_options");
        }

        return new HttpCompletionRequest(request, stream, options?.Boolean("include_usage") ?? false);
    }

    private static Prompt.Messages ReadMessages(JsonFields fields)
    {
        if (!fields.TryGet("messages", out JsonElement messages))
        {
            throw Required("messages");
        }

        var turns = new List<ChatMessage>();
        foreach (JsonElement message in Elements(messages, "messages", "an array of messages"))
        {
            string path = $"messages[{turns.Count}]";
            var turn = new JsonFields(message, path);
            string role = turn.String("role") ?? throw Required($"{path}.role");
            turns.Add(new ChatMessage(role, ReadContent(turn, $"{path}.content")));
        }

        return new Prompt.Messages(turns, fields.Object("chat_template_kwargs")?.Boolean("enable_thinking"));
    }

    private static string ReadContent(JsonFields message, string path)
    {
        if (!message.TryGet("content", out JsonElement content))
        {
            throw Required(path);
        }

        if (content.ValueKind == JsonValueKind.String)
        {
            return JsonFields.AsString(content, path);
        }

        var texts = new List<string>();
        foreach (JsonElement part in Elements(content, path, "a string or an array of text parts"))
        {
            string partPath = $"{path}[{texts.Count}]";
            var fields = new JsonFields(part, partPath);
            string type = fields.String("type") ?? throw Required($"{partPath}.type");
            Refuse(type != "text", $"{partPath}.type", "Only content of the type 'text' is supported");
            texts.Add(fields.String("text") ?? throw Required($"{partPath}.text"));
        }

        return string.Concat(texts);
    }

    /// <summary>A string, token ids, or an array of either.</summary>
    private static IReadOnlyList<Prompt> ReadPrompts(JsonFields fields)
    {
        if (!fields.TryGet("prompt", out JsonElement prompt))
        {
            throw Required("prompt");
        }

        if (prompt.ValueKind == JsonValueKind.String)
        {
            return [new Prompt.Text(JsonFields.AsString(prompt, "prompt"))];
        }

        JsonElement.ArrayEnumerator elements = Elements(prompt, "prompt", "a string, an array of token ids, or an array of either");
        if (elements.Any() && elements.First().ValueKind == JsonValueKind.Number)
        {
            return [new Prompt.Tokens(ReadTokens(prompt, "prompt"))];
        }

        return [.. elements.Select((element, i) => element.ValueKind == JsonValueKind.String
            ? (Prompt)new Prompt.Text(JsonFields.AsString(element, $"prompt[{i}]"))
            : new Prompt.Tokens(ReadTokens(element, $"prompt[{i}]")))];
    }

    private static int[] ReadTokens(JsonElement value, string path)
    {
        JsonElement.ArrayEnumerator elements = Elements(value, path, "an array of token ids");
        var tokens = new int[value.GetArrayLength()];
        int i = 0;
        foreach (JsonElement element in elements)
        {
            tokens[i] = element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int token)
                ? token
                : JsonFields.AsInteger(element, $"{path}[{i}]");
            i++;
        }

        return tokens;
    }

    private static IReadOnlyList<string> ReadStop(JsonFields fields)
    {
        if (!fields.TryGet("stop", out JsonElement stop))
        {
            return [];
        }

        return stop.ValueKind == JsonValueKind.String
            ? [JsonFields.AsString(stop, "stop")]
            : [.. Elements(stop, "stop", "a string or an array of strings").Select((s, i) => JsonFields.AsString(s, $"stop[{i}]"))];
    }

    private static Dictionary<int, float>? ReadLogitBias(JsonFields fields)
    {
        if (fields.Object("logit_bias") is not { } biases)
        {
            return null;
        }

        var result = new Dictionary<int, float>();
        foreach (JsonProperty bias in biases.Members())
        {
            if (!int.TryParse(bias.Name, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int token))
            {
                throw new RequestException(RefusalKind.Invalid, "'logit_bias' must have token ids as its keys.", "logit_bias");
            }

            result[token] = JsonFields.AsNumber(bias.Value, $"logit_bias.{token}");
        }

        return result;
    }

    private static JsonElement.ArrayEnumerator Elements(JsonElement value, string path, string expected) =>
        value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : throw JsonFields.WrongType(path, expected, value);

    private static bool IsEmptyArray(JsonElement value) =>
        value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 0;

    private static RequestException Required(string param) =>
        new(RefusalKind.Invalid, $"'{param}' is required.", param, "missing_required_parameter");

    private static void Refuse(bool asked, string param, string message)
    {
        if (asked)
        {
            throw new RequestException(RefusalKind.Invalid, $"{message} ('{param}').", param, "unsupported_parameter");
        }
    }
}
