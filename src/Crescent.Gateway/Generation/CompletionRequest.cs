namespace Crescent.Gateway.Generation;

/// <summary>
/// One client request as every surface hands it to <see cref="CompletionPipeline"/>: parsed, not yet validated.
/// Members left null take the model's default. Errors name members in the clients' spelling (<c>top_logprobs</c>).
/// </summary>
public sealed record CompletionRequest
{
    public required string Model { get; init; }

    /// <summary>Choices of prompt p have the indices p × <see cref="N"/> up to (p + 1) × <see cref="N"/> − 1.</summary>
    public required IReadOnlyList<Prompt> Prompts { get; init; }

    public SamplingOverrides Sampling { get; init; } = new();

    /// <summary>null: as many as the context has room for.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The text ends before the first of these that is completed.</summary>
    public IReadOnlyList<string> Stop { get; init; } = [];

    /// <summary>Tokens that end the text, beside the model's own; their text is left out.</summary>
    public IReadOnlyList<int> StopTokenIds { get; init; } = [];

    /// <summary>Choices per prompt. Choice i is drawn with the same seed and its own index.</summary>
    public int N { get; init; } = 1;

    /// <summary>null: a random one, fixed at admission.</summary>
    public ulong? Seed { get; init; }

    /// <summary>null: no log probabilities; 0–20: that of each token and of so many likely ones beside it.</summary>
    public int? TopLogprobs { get; init; }

    public bool IgnoreEos { get; init; }

    /// <summary>Lower runs first.</summary>
    public int Priority { get; init; }

    /// <summary>At most 256 characters.</summary>
    public string? CacheSalt { get; init; }

    /// <summary>The earlier of this and <see cref="GatewayOptions.MaxRequestTime"/> from admission holds.</summary>
    public DateTimeOffset? Deadline { get; init; }

    public string Tenant { get; init; } = "";
}

/// <summary>What a generation continues.</summary>
public abstract record Prompt
{
    private Prompt()
    {
    }

    /// <summary>Raw text: the model's BOS is put before it, and special tokens spelled in it are special.</summary>
    public sealed record Text(string Value) : Prompt;

    /// <summary>Token ids, taken as they are.</summary>
    public sealed record Tokens(IReadOnlyList<int> Ids) : Prompt;

    /// <summary>A conversation, rendered by the model's chat template. Special tokens spelled in a message are plain text.</summary>
    /// <param name="EnableThinking">null: what the template does by itself. Only models that think aloud heed it.</param>
    public sealed record Messages(IReadOnlyList<ChatMessage> Turns, bool? EnableThinking = null) : Prompt;
}

/// <param name="Role">system, developer (the same), user or assistant.</param>
public sealed record ChatMessage(string Role, string Content);

/// <summary>Sampling parameters a client may set; null leaves the model's default. Ranges are checked by the pipeline.</summary>
public sealed record SamplingOverrides
{
    /// <summary>0–2.</summary>
    public float? Temperature { get; init; }

    /// <summary>−1 and 0 keep all.</summary>
    public int? TopK { get; init; }

    /// <summary>0–1; 0 keeps the most likely token alone.</summary>
    public float? TopP { get; init; }

    /// <summary>0–1.</summary>
    public float? MinP { get; init; }

    /// <summary>Above 0, at most 2.</summary>
    public float? RepetitionPenalty { get; init; }

    /// <summary>−2–2.</summary>
    public float? PresencePenalty { get; init; }

    /// <summary>−2–2.</summary>
    public float? FrequencyPenalty { get; init; }

    /// <summary>Token id to −100–100.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }
}
