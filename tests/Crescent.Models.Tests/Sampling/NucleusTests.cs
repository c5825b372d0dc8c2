using Crescent.Models.Sampling;
using Crescent.Testing;

namespace Crescent.Models.Tests.Sampling;

/// <summary>top_p and min_p over a vocabulary as large as Llama 3's, draw by draw against <see cref="ReferenceSampler"/>.</summary>
public class NucleusTests
{
    private const int Vocabulary = 128_256;
    private static readonly int Draws = LongProofs.Count(usual: 40, full: 400);

    /// <summary>
    /// Weights in single precision make equals of a few tokens that are not: two places in the flattest distribution.
    /// </summary>
    private const double Rounding = 2e-5;

    public static TheoryData<string, float, float, float> Cases()
    {
        var data = new TheoryData<string, float, float, float>();
        foreach (string shape in new[] { "flat", "tilted", "normal", "peaked", "certain", "tied", "some tied", "two values" })
        {
            data.Add(shape, 0.95f, 0, 1);
            data.Add(shape, 0.5f, 0, 0.7f);
            data.Add(shape, 0.999f, 0.001f, 1.5f);
            data.Add(shape, 1, 0.02f, 1);
            data.Add(shape, 1, 0, 1);
            data.Add(shape, 0, 0, 1);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_draw_falls_where_it_does_in_the_sorted_candidates(string shape, float topP, float minP, float temperature)
    {
        var logits = Logits(shape);
        var parameters = new SamplingParameters { TopP = topP, MinP = minP, Temperature = temperature, Seed = 5 };
        var candidates = ReferenceSampler.Candidates(logits, parameters);
        if (topP >= 1 && minP <= 0)
        {
            candidates.Sort((a, b) => a.Token.CompareTo(b.Token));
        }

        var ends = new Dictionary<int, (double Start, double End)>();
        double sum = 0;
        foreach (var (token, probability) in candidates)
        {
            ends.Add(token, (sum, sum += probability));
        }

        var sampler = new TokenSampler(Vocabulary);
        for (int position = 0; position < Draws; position++)
        {
            double uniform = Models.Sampling.Draws.Uniform(parameters.Seed, 0, position);
            int token = sampler.Sample(logits, parameters, null, 0, position).Token;

            Assert.True(ends.TryGetValue(token, out var range), $"{token} is not a candidate");
            Assert.InRange(uniform, range.Start - Rounding, range.End + Rounding);
        }
    }

    [Theory]
    [InlineData(0.25f)]
    [InlineData(0.5f)]
    [InlineData(0.95f)]
    public void Of_equally_likely_tokens_the_lowest_ids_are_kept(float topP)
    {
        var logits = new float[Vocabulary];
        var parameters = new SamplingParameters { TopP = topP, Seed = 5 };
        double kept = Math.Ceiling(topP * (double)Vocabulary);
        var sampler = new TokenSampler(Vocabulary);
        for (int position = 0; position < Draws; position++)
        {
            double uniform = Models.Sampling.Draws.Uniform(parameters.Seed, 0, position);

            Assert.Equal((int)(uniform * kept), sampler.Sample(logits, parameters, null, 0, position).Token);
        }
    }

    [Fact]
    public void Any_distribution_is_cut_and_drawn_from_as_if_it_were_sorted()
    {
        for (int seed = 0; seed < 3000; seed++)
        {
            var random = new Random(seed);

            // Few distinct weights at times, so that whole buckets are ties; at times thousands in one bucket.
            int distinct = random.Next(1, random.Next(2, 3000));
            float spread = MathF.Pow(10, (random.NextSingle() * 5) - 4);
            var values = Enumerable.Range(0, distinct).Select(_ => MathF.Exp(-spread * random.NextSingle())).ToArray();
            var weights = Enumerable.Range(0, random.Next(1, 3000)).Select(_ => values[random.Next(distinct)]).ToArray();
            weights[random.Next(weights.Length)] = 1;
            float topP = random.Next(4) == 0 ? 1 : random.NextSingle();
            float minP = topP >= 1 || random.Next(4) == 0 ? 0.01f + (random.NextSingle() * 0.99f) : 0;
            double uniform = random.Next(20) == 0 ? BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits(1) - 1) : random.NextDouble();

            int drawn = new Nucleus(weights.Length).Draw(weights, Sums.Total(weights), topP, minP, uniform);

            Assert.Equal(Sorted(weights, topP, minP, uniform), drawn);
        }
    }

    private static int Sorted(float[] weights, float topP, float minP, double uniform)
    {
        double enough = topP * Sums.Total(weights);
        double sum = 0;
        var kept = new List<(int Token, double Sum)>();
        foreach (int token in Enumerable.Range(0, weights.Length).OrderByDescending(token => weights[token]).ThenBy(token => token))
        {
            if (weights[token] < minP || (topP < 1 && kept.Count > 0 && sum >= enough))
            {
                break;
            }

            kept.Add((token, sum += weights[token]));
        }

        double threshold = uniform * sum;
        return kept.Find(item => item.Sum > threshold) is { Sum: > 0 } found ? found.Token : kept[^1].Token;
    }

    private static float[] Logits(string shape)
    {
        var random = new Random(7);
        double Normal() => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return [.. Enumerable.Range(0, Vocabulary).Select(token => shape switch
        {
            "flat" => random.NextSingle(),
            "tilted" => token * 1e-5f,
            "normal" => 2 * (float)Normal(),
            "peaked" => token % 40_000 == 17 ? 22 + (float)Normal() : (float)Normal(),
            "certain" => token == 100_000 ? 60 : (float)Normal(),
            "tied" => 3.25f,
            "some tied" => random.Next(12),
            _ => token % 3 == 0 ? 1 : 0.999f,
        })];
    }
}
