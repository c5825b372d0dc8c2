namespace Crescent;

/// <summary>
/// How the next token is chosen. Applied in this order: logit bias, penalties, temperature, top_k, top_p, min_p.
/// The draw at a position is a function of (<see cref="Seed"/>, choice, position) alone, so the same seed gives
/// the same text whatever else is in the batch.
/// </summary>
public sealed record SamplingParameters
{
    /// <summary>0 is greedy. Default: 1.</summary>
    public float Temperature { get; init; } = 1;

    /// <summary>Keep the k most likely tokens; 0 keeps all. Default: 0.</summary>
    public int TopK { get; init; }

    /// <summary>Keep the smallest set of tokens whose probability reaches this. Default: 1 (all).</summary>
    public float TopP { get; init; } = 1;

    /// <summary>Drop tokens less likely than this share of the most likely one. Default: 0 (none).</summary>
    public float MinP { get; init; }

    /// <summary>Divides positive and multiplies negative logits of tokens in the prompt or the output. Default: 1.</summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>Subtracted once from the logit of every token in the output. Default: 0.</summary>
    public float PresencePenalty { get; init; }

    /// <summary>Subtracted from a token's logit for each time it is in the output. Default: 0.</summary>
    public float FrequencyPenalty { get; init; }

    /// <summary>Added to the logits of the named tokens.</summary>
    public IReadOnlyDictionary<int, float>? LogitBias { get; init; }

    /// <summary>Fixed at admission; a request without one is given a random one there.</summary>
    public ulong Seed { get; init; }

    /// <summary>
    /// null: no log probabilities. 0 or more: that of each token, and of so many of the most likely tokens beside it.
    /// Log probabilities are of the model's own distribution, before bias, penalties and temperature.
    /// </summary>
    public int? TopLogprobs { get; init; }
}
