namespace Crescent.Models.Sampling;

/// <summary>What the penalties need to know of a sequence: a function of the prompt and the generated ids.</summary>
public sealed class TokenCounts
{
    private readonly HashSet<int> _seen;
    private readonly Dictionary<int, int> _output;

    /// <param name="prompt">Counts for the repetition penalty.</param>
    /// <param name="output">Counts for all penalties.</param>
    /// <param name="reserved">Tokens that can be added before anything has to grow.</param>
    public TokenCounts(IEnumerable<int> prompt, IReadOnlyCollection<int> output, int reserved = 0)
    {
        _seen = [.. prompt];
        _seen.EnsureCapacity(_seen.Count + output.Count + reserved);
        _output = new Dictionary<int, int>(output.Count + reserved);
        foreach (int token in output)
        {
            Add(token);
        }
    }

    /// <summary>Whether any penalty of these parameters looks at the tokens so far.</summary>
    public static bool Needed(SamplingParameters parameters) =>
        parameters.RepetitionPenalty != 1 || parameters.PresencePenalty != 0 || parameters.FrequencyPenalty != 0;

    /// <summary>A token was generated.</summary>
    public void Add(int token)
    {
        _seen.Add(token);
        _output[token] = _output.GetValueOrDefault(token) + 1;
    }

    internal void Penalise(Span<float> logits, SamplingParameters parameters)
    {
        if (parameters.RepetitionPenalty != 1)
        {
            foreach (int token in _seen)
            {
                ref float logit = ref logits[token];
                float penalised = logit > 0 ? logit / parameters.RepetitionPenalty : logit * parameters.RepetitionPenalty;

                // A penalty near 0 must not make an infinity: the difference of two is no number.
                logit = Math.Clamp(penalised, float.MinValue, float.MaxValue);
            }
        }

        foreach (var (token, count) in _output)
        {
            logits[token] -= parameters.PresencePenalty + (parameters.FrequencyPenalty * count);
        }
    }
}
