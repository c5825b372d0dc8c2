namespace Crescent;

/// <summary>A token and its log probability under the model.</summary>
public readonly record struct TokenLogprob(int Token, float Logprob);

/// <summary>
/// What a worker streams. A generation is zero or more token frames and then exactly one frame with a
/// <see cref="FinishReason"/>; that last frame may carry a token too (the stop token, or the last one within the limit).
/// </summary>
public readonly record struct TokenFrame()
{
    public required int Attempt { get; init; }

    /// <summary>Index of <see cref="Token"/> in the output, counted from 0 over all attempts.</summary>
    public required int Position { get; init; }

    public int? Token { get; init; }

    /// <summary>Set when the request asked for log probabilities.</summary>
    public float? Logprob { get; init; }

    /// <summary>The most likely tokens at this position, most likely first, when asked for.</summary>
    public IReadOnlyList<TokenLogprob> TopLogprobs { get; init; } = [];

    /// <summary>Prompt tokens whose KV is computed so far; rises during a long prefill (frames without a token).</summary>
    public int PrefilledTokens { get; init; }

    /// <summary>Prompt tokens whose KV came from the prefix cache.</summary>
    public int CachedTokens { get; init; }

    public FinishReason? FinishReason { get; init; }

    /// <summary>What went wrong, beside <see cref="FinishReason.Error"/>.</summary>
    public string? Error { get; init; }
}
