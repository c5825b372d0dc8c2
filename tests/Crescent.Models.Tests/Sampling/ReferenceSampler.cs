using Crescent.Models.Sampling;

namespace Crescent.Models.Tests.Sampling;

/// <summary>The distribution a token is drawn from, as its definition reads: sort everything, in double precision.</summary>
internal static class ReferenceSampler
{
    /// <summary>Probability of every token that may be drawn; most likely first, equally likely ones in order of id.</summary>
    /// <param name="prompt">Tokens before the output.</param>
    /// <param name="output">Tokens generated so far.</param>
    public static List<(int Token, double Probability)> Candidates(
        float[] logits, SamplingParameters parameters, int[]? prompt = null, int[]? output = null)
    {
        var adjusted = Adjusted(logits, parameters, prompt ?? [], output ?? []);
        double max = adjusted.Max();
        var kept = adjusted
            .Select((logit, token) => (Token: token, Probability: Math.Exp((logit - max) / parameters.Temperature)))
            .OrderByDescending(item => item.Probability).ThenBy(item => item.Token).ToList();
        if (parameters.TopK > 0)
        {
            kept = Normalised(kept.Take(parameters.TopK));
        }

        if (parameters.TopP < 1)
        {
            double cumulative = 0;
            kept = Normalised(kept);
            int count = kept.TakeWhile(item => (cumulative += item.Probability) < parameters.TopP).Count() + 1;
            kept = Normalised(kept.Take(count));
        }

        return Normalised(kept.Where(item => item.Probability >= parameters.MinP * kept[0].Probability));
    }

    public static double[] LogSoftmax(float[] logits)
    {
        double max = logits.Max();
        double normaliser = max + Math.Log(logits.Sum(logit => Math.Exp(logit - max)));
        return [.. logits.Select(logit => logit - normaliser)];
    }

    private static double[] Adjusted(float[] logits, SamplingParameters parameters, int[] prompt, int[] output)
    {
        var adjusted = logits.Select(logit => (double)logit).ToArray();
        for (int token = 0; token < adjusted.Length; token++)
        {
            adjusted[token] += parameters.LogitBias?.GetValueOrDefault(token) ?? 0;
            if (prompt.Contains(token) || output.Contains(token))
            {
                adjusted[token] *= adjusted[token] > 0 ? 1.0 / parameters.RepetitionPenalty : parameters.RepetitionPenalty;
            }

            int count = output.Count(generated => generated == token);
            adjusted[token] -= (count > 0 ? parameters.PresencePenalty : 0) + (parameters.FrequencyPenalty * (double)count);
        }

        return adjusted;
    }

    private static List<(int Token, double Probability)> Normalised(IEnumerable<(int Token, double Probability)> items)
    {
        var list = items.ToList();
        double total = list.Sum(item => item.Probability);
        return list.ConvertAll(item => (item.Token, item.Probability / total));
    }
}

/// <summary>Many draws from one distribution, held against what they should be.</summary>
internal static class Draw
{
    /// <summary>Asserts that exactly the expected tokens are drawn, as often as they should be.</summary>
    public static void AssertFollows(
        IReadOnlyList<(int Token, double Probability)> expected, TokenSampler sampler, float[] logits, SamplingParameters parameters, TokenCounts? counts, int draws)
    {
        var seen = new Dictionary<int, int>();
        for (int position = 0; position < draws; position++)
        {
            int token = sampler.Sample(logits, parameters, counts, choice: 0, position).Token;
            seen[token] = seen.GetValueOrDefault(token) + 1;
        }

        Assert.Subset(expected.Select(item => item.Token).ToHashSet(), seen.Keys.ToHashSet());

        // Tokens too rare for the statistic count as one; those expected 30 times and never seen are missing.
        var frequent = expected.Where(item => item.Probability * draws >= 30).ToList();
        Assert.All(frequent, item => Assert.Contains(item.Token, seen.Keys));
        double rest = expected.Sum(item => item.Probability) - frequent.Sum(item => item.Probability);
        int restSeen = draws - frequent.Sum(item => seen[item.Token]);
        double chiSquare = frequent.Sum(item => Term(seen[item.Token], item.Probability * draws)) + (rest * draws >= 5 ? Term(restSeen, rest * draws) : 0);
        Assert.InRange(chiSquare, 0, frequent.Count + (6 * Math.Sqrt(2 * frequent.Count)) + 10);
    }

    private static double Term(int seen, double expected) => (seen - expected) * (seen - expected) / expected;
}
