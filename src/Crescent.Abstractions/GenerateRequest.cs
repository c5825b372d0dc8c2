namespace Crescent;

/// <summary>
/// One generation (one choice) as a worker sees it: token ids in, token ids out. Everything that decides the output
/// is fixed here at admission; a resumed request is the same one with <see cref="GeneratedTokens"/> and a higher
/// <see cref="Attempt"/>.
/// </summary>
public sealed record GenerateRequest
{
    /// <summary>Unique per choice; used in logs and frames.</summary>
    public required string Id { get; init; }

    public required string Model { get; init; }

    /// <summary>At least one token; together with <see cref="MaxTokens"/> at most the model's context length.</summary>
    public required IReadOnlyList<int> PromptTokens { get; init; }

    /// <summary>Tokens an earlier attempt has generated; they count towards <see cref="MaxTokens"/>.</summary>
    public IReadOnlyList<int> GeneratedTokens { get; init; } = [];

    public int Attempt { get; init; }

    /// <summary>Which of the n choices of one client request this is.</summary>
    public int Choice { get; init; }

    public SamplingParameters Sampling { get; init; } = new();

    /// <summary>The most tokens to generate; at least 1.</summary>
    public required int MaxTokens { get; init; }

    /// <summary>Generation ends with <see cref="FinishReason.Stop"/> after one of these.</summary>
    public IReadOnlySet<int> StopTokens { get; init; } = System.Collections.Frozen.FrozenSet<int>.Empty;

    /// <summary>Lower runs first. Default: 0.</summary>
    public int Priority { get; init; }

    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Whose request this is: prefixes are shared within a tenant only.</summary>
    public string Tenant { get; init; } = "";

    /// <summary>Narrows sharing within the tenant further.</summary>
    public string? CacheSalt { get; init; }
}
