namespace Crescent;

/// <summary>A model that is ready to serve.</summary>
public sealed record ServedModel
{
    /// <summary>The name clients ask for.</summary>
    public required string Id { get; init; }

    public required DateTimeOffset Created { get; init; }

    public required ITokenizer Tokenizer { get; init; }

    /// <summary>Prompt and output together have at most this many tokens: the model's own limit or the KV pool's, whichever is less.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Jinja source from the model's folder; null when it has none.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>End-of-sequence tokens: generation stops after one unless the request ignores them.</summary>
    public required IReadOnlyList<int> EosTokens { get; init; }

    /// <summary>What a request that leaves sampling parameters out gets (generation_config.json).</summary>
    public SamplingParameters DefaultSampling { get; init; } = new();
}
