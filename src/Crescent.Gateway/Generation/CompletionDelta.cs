namespace Crescent.Gateway.Generation;

/// <summary>
/// What a stream of a completion is made of. Every choice has any number of deltas, and its last one, and only that
/// one, has a <see cref="FinishReason"/>. The texts of a choice's deltas joined are its text.
/// </summary>
public sealed record CompletionDelta
{
    public required int Choice { get; init; }

    /// <summary>May be empty. Text that could become part of a stop string is held back until it cannot.</summary>
    public string Text { get; init; } = "";

    /// <summary>
    /// Tokens whose text is out with this delta. Neither the token that ended the generation nor those of a stop
    /// string are here; <see cref="CompletionUsage.CompletionTokens"/> counts them.
    /// </summary>
    public IReadOnlyList<GeneratedToken> Tokens { get; init; } = [];

    /// <summary>Tokens of this choice's prompt whose KV is computed so far; rises during a long prefill.</summary>
    public int PrefilledTokens { get; init; }

    /// <summary>Tokens of this choice's prompt whose KV came from the prefix cache.</summary>
    public int CachedTokens { get; init; }

    public FinishReason? FinishReason { get; init; }

    /// <summary>The stop string that ended the choice.</summary>
    public string? StopString { get; init; }

    /// <summary>The one of the request's <see cref="CompletionRequest.StopTokenIds"/> that ended the choice.</summary>
    public int? StopToken { get; init; }

    /// <summary>What went wrong, beside <see cref="FinishReason.Error"/>.</summary>
    public string? Error { get; init; }
}

/// <param name="TextOffset">Where its text begins in the choice's text, in UTF-16 code units.</param>
/// <param name="Logprob">Set when the request asked for log probabilities.</param>
/// <param name="TopLogprobs">Most likely first; empty unless asked for.</param>
public readonly record struct GeneratedToken(
    int Id,
    int TextOffset,
    float? Logprob,
    IReadOnlyList<TokenLogprob> TopLogprobs);

/// <param name="PromptTokens">Each prompt counts once, whatever n is.</param>
/// <param name="CompletionTokens">Of all choices, stop tokens and cut ones included.</param>
/// <param name="CachedTokens">Prompt tokens that were not computed because the prefix cache had them.</param>
public readonly record struct CompletionUsage(int PromptTokens, int CompletionTokens, int CachedTokens);

/// <summary>A completion that was collected to its end.</summary>
public sealed record CompletionResult(IReadOnlyList<CompletionChoice> Choices, CompletionUsage Usage);

/// <summary>All deltas of one choice joined; see <see cref="CompletionDelta"/>.</summary>
public sealed record CompletionChoice
{
    public required int Choice { get; init; }

    public required string Text { get; init; }

    public required IReadOnlyList<GeneratedToken> Tokens { get; init; }

    public required FinishReason FinishReason { get; init; }

    public string? StopString { get; init; }

    public int? StopToken { get; init; }

    public string? Error { get; init; }
}
