using System.Numerics.Tensors;

namespace Crescent.Models.Sampling;

/// <summary>A sampled token, with what the request asked to know about it.</summary>
/// <param name="Token">Its id.</param>
/// <param name="Logprob">Its log probability under the model; null when not asked for.</param>
/// <param name="TopLogprobs">The most likely tokens, most likely first; empty when not asked for.</param>
public readonly record struct SampledToken(int Token, float? Logprob, IReadOnlyList<TokenLogprob> TopLogprobs);

/// <summary>
/// Chooses tokens on the host, the same way for every backend. The choice is a function of the logits, the request and
/// the tokens before. Holds scratch for one vocabulary: one thread at a time.
/// </summary>
public sealed class TokenSampler(int vocabularySize)
{
    private readonly float[] _logits = new float[vocabularySize];
    private readonly float[] _weights = new float[vocabularySize];
    private readonly int[] _ids = new int[vocabularySize];

    /// <param name="logits">[vocabulary], the model's.</param>
    /// <param name="parameters">Token ids in its logit bias are below the vocabulary's size.</param>
    /// <param name="counts">Tokens of the prompt and the output so far; null unless <see cref="TokenCounts.Needed"/>.</param>
    /// <param name="choice">Which of the request's choices.</param>
    /// <param name="position">Index of the new token in the output.</param>
    public SampledToken Sample(ReadOnlySpan<float> logits, SamplingParameters parameters, TokenCounts? counts, int choice, int position)
    {
        logits.CopyTo(_logits);
        foreach (var (token, bias) in parameters.LogitBias ?? System.Collections.Frozen.FrozenDictionary<int, float>.Empty)
        {
            _logits[token] += bias;
        }

        counts?.Penalise(_logits, parameters);
        int chosen = parameters.Temperature <= 0
            ? TensorPrimitives.IndexOfMax<float>(_logits)
            : Draw(parameters, Draws.Uniform(parameters.Seed, choice, position));
        return parameters.TopLogprobs is { } top ? WithLogprobs(logits, chosen, top) : new SampledToken(chosen, null, []);
    }

    /// <summary>Draws from softmax(logits / temperature), cut by top_k, then top_p, then min_p.</summary>
    private int Draw(SamplingParameters parameters, double uniform)
    {
        // Weights are probabilities times a constant; the largest is 1.
        TensorPrimitives.Subtract(_logits, TensorPrimitives.Max<float>(_logits), _weights);
        TensorPrimitives.Divide(_weights, parameters.Temperature, _weights);
        TensorPrimitives.Exp(_weights, _weights);
        bool whole = parameters is { TopP: >= 1, MinP: <= 0 } && (parameters.TopK <= 0 || parameters.TopK >= vocabularySize);
        return whole ? DrawFromAll(uniform) : DrawFrom(Candidates(parameters), uniform);
    }

    private int DrawFromAll(double uniform)
    {
        double threshold = uniform * Total(_weights);
        double cumulative = 0;
        int last = 0;
        for (int token = 0; token < _weights.Length; token++)
        {
            if (_weights[token] > 0)
            {
                last = token;
                cumulative += _weights[token];
                if (cumulative > threshold)
                {
                    break;
                }
            }
        }

        return last;
    }

    private int DrawFrom(ReadOnlySpan<int> candidates, double uniform)
    {
        double threshold = uniform * Total(candidates);
        double cumulative = 0;
        foreach (int token in candidates)
        {
            cumulative += _weights[token];
            if (cumulative > threshold)
            {
                return token;
            }
        }

        return candidates[^1];
    }

    /// <summary>The tokens that may be drawn, most likely first; never empty.</summary>
    private ReadOnlySpan<int> Candidates(SamplingParameters parameters)
    {
        bool cut = parameters.TopK > 0 && parameters.TopK < vocabularySize;
        var candidates = cut ? MostLikely(parameters.TopK) : LikelyEnough(parameters);
        double enough = parameters.TopP * (cut ? Total(candidates) : Total(_weights));
        int kept = 0;
        double cumulative = 0;
        while (kept < candidates.Length && (kept == 0 || _weights[candidates[kept]] >= parameters.MinP))
        {
            cumulative += _weights[candidates[kept++]];
            if (parameters.TopP < 1 && cumulative >= enough)
            {
                break;
            }
        }

        return candidates[..kept];
    }

    private Span<int> MostLikely(int count)
    {
        var ids = _ids.AsSpan(0, count);
        TopTokens.Select(_weights, vocabularySize, ids);
        return ids;
    }

    /// <summary>
    /// All tokens that top_p and min_p can keep, so that only these are sorted: tokens with a probability of at most
    /// (1 − top_p) / vocabulary weigh less than 1 − top_p together, so the others alone reach top_p.
    /// </summary>
    private Span<int> LikelyEnough(SamplingParameters parameters)
    {
        double floor = Math.Max(parameters.MinP, (1 - Math.Min(parameters.TopP, 1)) * Total(_weights) / vocabularySize);
        int count = 0;
        for (int token = 0; token < vocabularySize; token++)
        {
            if (_weights[token] >= floor)
            {
                _ids[count++] = token;
            }
        }

        var ids = _ids.AsSpan(0, count);
        ids.Sort(new DescendingByValue(_weights));
        return ids;
    }

    private SampledToken WithLogprobs(ReadOnlySpan<float> logits, int chosen, int top)
    {
        logits.CopyTo(_logits);
        float max = TensorPrimitives.Max<float>(_logits);
        TensorPrimitives.Subtract(_logits, max, _weights);
        TensorPrimitives.Exp(_weights, _weights);
        double normaliser = max + Math.Log(Total(_weights));
        var ids = _ids.AsSpan(0, Math.Min(top, vocabularySize));
        TopTokens.Select(_logits, vocabularySize, ids);
        var tops = new TokenLogprob[ids.Length];
        for (int i = 0; i < tops.Length; i++)
        {
            tops[i] = new TokenLogprob(ids[i], (float)(_logits[ids[i]] - normaliser));
        }

        return new SampledToken(chosen, (float)(_logits[chosen] - normaliser), tops);
    }

    /// <summary>In order of id: vectorised sums depend on where an array happens to lie.</summary>
    private static double Total(ReadOnlySpan<float> weights)
    {
        double total = 0;
        foreach (float weight in weights)
        {
            total += weight;
        }

        return total;
    }

    private double Total(ReadOnlySpan<int> candidates)
    {
        double total = 0;
        foreach (int token in candidates)
        {
            total += _weights[token];
        }

        return total;
    }
}
