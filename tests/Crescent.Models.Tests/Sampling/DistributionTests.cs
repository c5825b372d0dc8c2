using Crescent.Models.Sampling;
using Crescent.Testing;

namespace Crescent.Models.Tests.Sampling;

/// <summary>What is drawn, and how often, against <see cref="ReferenceSampler"/>.</summary>
public class DistributionTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, LongProofs.Count(usual: 40, full: 1500))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Draws_follow_the_reference_for_any_parameters(int seed)
    {
        var random = new Random(seed);
        int vocabulary = random.Next(2, 60);
        var logits = RandomLogits(random, vocabulary, spread: 1 + (random.NextSingle() * 2));
        int[] prompt = RandomTokens(random, vocabulary);
        int[] output = [.. RandomTokens(random, vocabulary), .. RandomTokens(random, Math.Min(vocabulary, 3))];
        var parameters = RandomParameters(random, vocabulary) with { Seed = (ulong)seed };
        var counts = TokenCounts.Needed(parameters) ? new TokenCounts(prompt, output) : null;

        var expected = ReferenceSampler.Candidates(logits, parameters, prompt, output);

        Draw.AssertFollows(expected, new TokenSampler(vocabulary), logits, parameters, counts, draws: 6000);
    }

    [Theory]
    [InlineData(0, 1f, 0f)]
    [InlineData(40, 1f, 0f)]
    [InlineData(0, 0.9f, 0f)]
    [InlineData(0, 0.02f, 0f)]
    [InlineData(0, 1f, 0.1f)]
    [InlineData(200, 0.95f, 0.02f)]
    public void Draws_from_a_large_vocabulary_follow_the_reference(int topK, float topP, float minP)
    {
        var random = new Random(11);
        var logits = RandomLogits(random, 20_000, spread: 3);
        var parameters = new SamplingParameters { TopK = topK, TopP = topP, MinP = minP, Temperature = 0.7f, Seed = 4 };

        var expected = ReferenceSampler.Candidates(logits, parameters);

        Draw.AssertFollows(expected, new TokenSampler(20_000), logits, parameters, null, draws: 1500);
    }

    [Fact]
    public void A_temperature_of_2_flattens_as_the_reference_does()
    {
        var logits = RandomLogits(new Random(3), 30, spread: 3);
        var parameters = new SamplingParameters { Temperature = 2, Seed = 8 };

        Draw.AssertFollows(ReferenceSampler.Candidates(logits, parameters), new TokenSampler(30), logits, parameters, null, draws: 20_000);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1000f)]
    [InlineData(-1000f)]
    public void Log_probabilities_are_those_of_the_model_within_1e_5(float offset)
    {
        var random = new Random(5);
        foreach (int vocabulary in new[] { 1, 2, 33, 1000, 50_000 })
        {
            var logits = RandomLogits(random, vocabulary, spread: 4).Select(logit => logit + offset).ToArray();
            var expected = ReferenceSampler.LogSoftmax(logits);
            var order = Enumerable.Range(0, vocabulary).OrderByDescending(token => logits[token]).ThenBy(token => token).Take(20).ToArray();
            var sampler = new TokenSampler(vocabulary);

            var sampled = sampler.Sample(logits, new SamplingParameters { TopLogprobs = 20, Temperature = 1.7f, Seed = 3 }, null, 0, 0);

            Assert.Equal(expected[sampled.Token], sampled.Logprob!.Value, 1e-5);
            Assert.Equal(order, sampled.TopLogprobs.Select(top => top.Token));
            Assert.All(sampled.TopLogprobs, top => Assert.Equal(expected[top.Token], top.Logprob, 1e-5));
        }
    }

    [Fact]
    public void Log_probabilities_do_not_see_bias_penalties_temperature_or_filters()
    {
        var logits = RandomLogits(new Random(6), 50, spread: 3);
        var expected = ReferenceSampler.LogSoftmax(logits);
        var counts = new TokenCounts([1, 2, 3], [4, 4, 5]);
        var parameters = new SamplingParameters
        {
            Temperature = 0.3f,
            TopK = 4,
            TopP = 0.5f,
            RepetitionPenalty = 1.5f,
            FrequencyPenalty = 1,
            LogitBias = new Dictionary<int, float> { [7] = 50 },
            TopLogprobs = 10,
        };

        var sampled = new TokenSampler(50).Sample(logits, parameters, counts, 0, 0);

        Assert.Equal(7, sampled.Token);
        Assert.Equal(expected[7], sampled.Logprob!.Value, 1e-5);
        Assert.All(sampled.TopLogprobs, top => Assert.Equal(expected[top.Token], top.Logprob, 1e-5));
    }

    [Fact]
    public void Top_logprobs_of_0_gives_the_tokens_own_and_none_gives_none()
    {
        float[] logits = [1, 2, 3];
        var sampler = new TokenSampler(3);

        var zero = sampler.Sample(logits, new SamplingParameters { TopLogprobs = 0 }, null, 0, 0);
        var none = sampler.Sample(logits, new SamplingParameters(), null, 0, 0);

        Assert.NotNull(zero.Logprob);
        Assert.Empty(zero.TopLogprobs);
        Assert.Null(none.Logprob);
        Assert.Empty(none.TopLogprobs);
    }

    [Fact]
    public void The_k_largest_are_those_of_a_full_sort()
    {
        var random = new Random(9);
        for (int round = 0; round < 500; round++)
        {
            // Few distinct values, so that there are ties.
            var values = Enumerable.Range(0, random.Next(1, 80)).Select(_ => (float)random.Next(12)).ToArray();
            var ids = new int[random.Next(0, values.Length + 1)];

            TopTokens.Select(values, values.Length, ids);

            Assert.Equal(Enumerable.Range(0, values.Length).OrderByDescending(id => values[id]).ThenBy(id => id).Take(ids.Length), ids);
        }
    }

    private static SamplingParameters RandomParameters(Random random, int vocabulary)
    {
        bool Chance() => random.Next(3) == 0;
        return new SamplingParameters
        {
            Temperature = 0.3f + (random.NextSingle() * 1.7f),
            TopK = Chance() ? random.Next(1, vocabulary + 5) : 0,
            TopP = Chance() ? random.NextSingle() : 1,
            MinP = Chance() ? random.NextSingle() * 0.3f : 0,
            RepetitionPenalty = Chance() ? 0.5f + (random.NextSingle() * 1.5f) : 1,
            PresencePenalty = Chance() ? (random.NextSingle() * 4) - 2 : 0,
            FrequencyPenalty = Chance() ? (random.NextSingle() * 4) - 2 : 0,
            LogitBias = Chance() ? new Dictionary<int, float> { [random.Next(vocabulary)] = 3, [vocabulary - 1] = -100 } : null,
        };
    }

    private static int[] RandomTokens(Random random, int vocabulary) =>
        [.. Enumerable.Range(0, random.Next(6)).Select(_ => random.Next(vocabulary))];

    /// <summary>Normally distributed.</summary>
    private static float[] RandomLogits(Random random, int count, float spread) =>
        [.. Enumerable.Range(0, count).Select(_ =>
            spread * (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
}
