namespace Crescent.Gateway.Generation;

/// <summary>What a request may say, whatever the model. Every refusal names the field and the limit.</summary>
internal static class RequestValidator
{
    public const int MaxTopLogprobs = 20;
    private const int MaxStopStringLength = 1024;
    private const int MaxCacheSaltLength = 256;

    public static void Validate(CompletionRequest request, GatewayOptions options)
    {
        ValidateChoices(request, options);
        ValidateStops(request, options);
        Require(request.MaxTokens is null or >= 1, "max_tokens", $"must be at least 1, not {request.MaxTokens}");
        RequireRange(request.TopLogprobs, 0, MaxTopLogprobs, "top_logprobs");
        Require(
            request.CacheSalt is null || request.CacheSalt.Length <= MaxCacheSaltLength,
            "cache_salt",
            $"must have at most {MaxCacheSaltLength} characters, not {request.CacheSalt?.Length}");
        ValidateSampling(request.Sampling);
    }

    /// <summary>Checks what needs the model's vocabulary.</summary>
    public static void ValidateTokens(CompletionRequest request, ServedModel model)
    {
        int size = model.Tokenizer.VocabularySize;
        foreach (Prompt prompt in request.Prompts)
        {
            if (prompt is Prompt.Tokens tokens)
            {
                foreach (int token in tokens.Ids)
                {
                    RequireToken(token, size, "prompt");
                }
            }
        }

        foreach (int token in request.StopTokenIds)
        {
            RequireToken(token, size, "stop_token_ids");
        }

        foreach (int token in request.Sampling.LogitBias?.Keys ?? [])
        {
            RequireToken(token, size, "logit_bias");
        }
    }

    /// <summary>The model's defaults, overridden by what the request sets.</summary>
    public static SamplingParameters Resolve(CompletionRequest request, SamplingParameters defaults, ulong seed)
    {
        SamplingOverrides o = request.Sampling;
        return defaults with
        {
            Temperature = o.Temperature ?? defaults.Temperature,
            TopK = Math.Max(0, o.TopK ?? defaults.TopK),
            TopP = Math.Max(float.Epsilon, o.TopP ?? defaults.TopP),
            MinP = o.MinP ?? defaults.MinP,
            RepetitionPenalty = o.RepetitionPenalty ?? defaults.RepetitionPenalty,
            PresencePenalty = o.PresencePenalty ?? defaults.PresencePenalty,
            FrequencyPenalty = o.FrequencyPenalty ?? defaults.FrequencyPenalty,
            LogitBias = o.LogitBias is { Count: > 0 } ? o.LogitBias : defaults.LogitBias,
            Seed = seed,
            TopLogprobs = request.TopLogprobs,
        };
    }

    private static void ValidateChoices(CompletionRequest request, GatewayOptions options)
    {
        RequireRange(request.N, 1, options.MaxChoices, "n");
        Require(request.Prompts.Count >= 1, "prompt", $"must not be an empty list");
        long choices = (long)request.N * request.Prompts.Count;
        Require(
            choices <= options.MaxChoices,
            "prompt",
            $"asks for {choices} choices ({request.Prompts.Count} prompts × n {request.N}); at most {options.MaxChoices} are served at a time");
    }

    private static void ValidateStops(CompletionRequest request, GatewayOptions options)
    {
        Require(
            request.Stop.Count <= options.MaxStopStrings,
            "stop",
            $"must have at most {options.MaxStopStrings} strings, not {request.Stop.Count}");
        foreach (string stop in request.Stop)
        {
            Require(stop.Length > 0, "stop", $"must not contain an empty string");
            Require(
                stop.Length <= MaxStopStringLength,
                "stop",
                $"must have strings of at most {MaxStopStringLength} characters, not {stop.Length}");
        }
    }

    private static void ValidateSampling(SamplingOverrides sampling)
    {
        RequireRange(sampling.Temperature, 0, 2, "temperature");
        Require(sampling.TopK is null or >= -1, "top_k", $"must be at least -1, not {sampling.TopK}");
        RequireRange(sampling.TopP, 0, 1, "top_p");
        RequireRange(sampling.MinP, 0, 1, "min_p");
        Require(
            sampling.RepetitionPenalty is null or (> 0 and <= 2),
            "repetition_penalty",
            $"must be above 0 and at most 2, not {sampling.RepetitionPenalty}");
        RequireRange(sampling.PresencePenalty, -2, 2, "presence_penalty");
        RequireRange(sampling.FrequencyPenalty, -2, 2, "frequency_penalty");
        foreach (float bias in sampling.LogitBias?.Values ?? [])
        {
            RequireRange(bias, -100, 100, "logit_bias");
        }
    }

    /// <remarks>NaN is in no range.</remarks>
    private static void RequireRange(float? value, float least, float most, string param) =>
        Require(value is not { } v || (v >= least && v <= most), param, $"must be between {least} and {most}, not {value}");

    private static void RequireRange(int? value, int least, int most, string param) =>
        Require(value is not { } v || (v >= least && v <= most), param, $"must be between {least} and {most}, not {value}");

    private static void RequireToken(int token, int vocabularySize, string param)
    {
        // Prompts have many tokens: nothing is formatted for a good one.
        if (token < 0 || token >= vocabularySize)
        {
            Require(false, param, $"has the token id {token}; the model's ids are 0 to {vocabularySize - 1}");
        }
    }

    /// <param name="problem">Follows the field's name in the message.</param>
    private static void Require(bool condition, string param, FormattableString problem)
    {
        if (!condition)
        {
            throw new RequestException(RefusalKind.Invalid, $"'{param}' {FormattableString.Invariant(problem)}.", param);
        }
    }
}
