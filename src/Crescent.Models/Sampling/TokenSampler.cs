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
    /// <summary>Weights that are summed together, so that a draw from all tokens looks into one such run.</summary>
    private const int Run = 1024;

    private readonly float[] _logits = new float[vocabularySize];
    private readonly float[] _weights = new float[vocabularySize];
    private readonly double[] _runs = new double[(vocabularySize + Run - 1) / Run];
    private readonly int[] _ids = new int[vocabularySize];
    private readonly Nucleus _nucleus = new(vocabularySize);

    /// <param name="logits">[vocabulary], the model's.</param>
    /// <param name="parameters">Token ids in its logit bias are below the vocabulary's size.</param>
    /// <param name="counts">Tokens of the prompt and the output so far; null unless <see cref="TokenCounts.Needed"/>.</param>
    /// <param name="choice">Which of the request's choices.</param>
    /// <param name="position">Index of the new token in the output.</param>
    public SampledToken Sample(ReadOnlySpan<float> logits, SamplingParameters parameters, TokenCounts? counts, int choice, int position)
    {
        var adjusted = Adjust(logits, parameters, counts);
        int chosen = parameters.Temperature <= 0
            ? TensorPrimitives.IndexOfMax(adjusted)
            : Draw(adjusted, parameters, Draws.Uniform(parameters.Seed, choice, position));
        return parameters.TopLogprobs is { } top ? WithLogprobs(logits, chosen, top) : new SampledToken(chosen, null, []);
    }

    /// <summary>The logits themselves when nothing changes them.</summary>
    private ReadOnlySpan<float> Adjust(ReadOnlySpan<float> logits, SamplingParameters parameters, TokenCounts? counts)
    {
        var biases = parameters.LogitBias;
        if (biases is null && counts is null)
        {
            return logits;
        }

        logits.CopyTo(_logits);
        if (biases is Dictionary<int, float> dictionary)
        {
            // Its own enumerator lies on the stack.
            foreach (var (token, bias) in dictionary)
            {
                _logits[token] += bias;
            }
        }
        else if (biases is not null)
        {
            foreach (var (token, bias) in biases)
            {
                _logits[token] += bias;
            }
        }

        counts?.Penalise(_logits, parameters);
        return _logits;
    }

    /// <summary>Draws from softmax(logits / temperature), cut by top_k, then top_p, then min_p.</summary>
    private int Draw(ReadOnlySpan<float> logits, SamplingParameters parameters, double uniform)
    {
        // Weights are probabilities times a constant; the largest is 1.
        TensorPrimitives.Subtract(logits, TensorPrimitives.Max(logits), _weights);
        TensorPrimitives.Divide(_weights, parameters.Temperature, _weights);
        TensorPrimitives.Exp(_weights, _weights);
        if (parameters.TopK > 0 && parameters.TopK < vocabularySize)
        {
            return DrawFrom(MostLikely(parameters), uniform);
        }

        double total = SumRuns();
        return parameters is { TopP: >= 1, MinP: <= 0 }
            ? DrawFromAll(uniform * total)
            : _nucleus.Draw(_weights, total, parameters.TopP, parameters.MinP, uniform);
    }

    private double SumRuns()
    {
        double total = 0;
        for (int run = 0; run < _runs.Length; run++)
        {
            int start = run * Run;
            _runs[run] = Sums.Total(_weights.AsSpan(start, Math.Min(Run, vocabularySize - start)));
            total += _runs[run];
        }

        return total;
    }

    private int DrawFromAll(double threshold)
    {
        int last = 0;
        double cumulative = 0;
        for (int run = 0; run < _runs.Length; run++)
        {
            if (_runs[run] > 0)
            {
                last = run;
                if (cumulative + _runs[run] > threshold)
                {
                    break;
                }

                cumulative += _runs[run];
            }
        }

        int drawn = 0;
        for (int token = last * Run; token < Math.Min((last + 1) * Run, vocabularySize); token++)
        {
            if (_weights[token] > 0)
            {
                drawn = token;
                cumulative += _weights[token];
                if (cumulative > threshold)
                {
                    break;
                }
            }
        }

        return drawn;
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

    /// <summary>The tokens of top_k that top_p and min_p keep, most likely first; never empty.</summary>
    private ReadOnlySpan<int> MostLikely(SamplingParameters parameters)
    {
        var candidates = _ids.AsSpan(0, parameters.TopK);
        TopTokens.Select(_weights, vocabularySize, candidates);
        double enough = parameters.TopP * Total(candidates);
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

    private SampledToken WithLogprobs(ReadOnlySpan<float> logits, int chosen, int top)
    {
        float max = TensorPrimitives.Max(logits);
        TensorPrimitives.Subtract(logits, max, _weights);
        TensorPrimitives.Exp(_weights, _weights);
        double normaliser = max + Math.Log(SumRuns());
        var ids = _ids.AsSpan(0, Math.Min(top, vocabularySize));
        TopTokens.Select(logits, vocabularySize, ids);
        var tops = new TokenLogprob[ids.Length];
        for (int i = 0; i < tops.Length; i++)
        {
            tops[i] = new TokenLogprob(ids[i], (float)(logits[ids[i]] - normaliser));
        }

        return new SampledToken(chosen, (float)(logits[chosen] - normaliser), tops);
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
