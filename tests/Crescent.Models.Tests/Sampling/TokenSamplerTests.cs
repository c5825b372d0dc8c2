using Crescent.Models.Sampling;

namespace Crescent.Models.Tests.Sampling;

public class TokenSamplerTests
{
    private static readonly SamplingParameters Greedy = new() { Temperature = 0 };

    [Fact]
    public void Greedy_takes_the_largest_logit()
    {
        Assert.Equal(2, Sample([1, -5, 4, 3.9f], Greedy));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    [InlineData(1000)]
    public void Of_equal_logits_greedy_takes_the_lowest_id(int vocabulary)
    {
        var logits = new float[vocabulary];
        Assert.Equal(0, Sample(logits, Greedy));

        logits[vocabulary / 3] = 2;
        logits[^1] = 2;
        Assert.Equal(vocabulary / 3, Sample(logits, Greedy));
    }

    [Fact]
    public void The_same_seed_choice_and_position_draw_the_same_token_whatever_was_drawn_before()
    {
        var logits = RandomLogits(1, 500);
        var parameters = new SamplingParameters { Seed = 77, TopP = 0.95f };
        var alone = new TokenSampler(500);
        var expected = Enumerable.Range(0, 50).Select(position => alone.Sample(logits, parameters, null, 1, position).Token).ToArray();
        var busy = new TokenSampler(500);

        for (int position = 49; position >= 0; position--)
        {
            busy.Sample(RandomLogits(position, 500), new SamplingParameters { Seed = (ulong)position, TopK = 40, TopLogprobs = 5 }, null, 0, 3);
            Assert.Equal(expected[position], busy.Sample(logits, parameters, null, 1, position).Token);
        }
    }

    [Fact]
    public void Seeds_choices_and_positions_draw_independently()
    {
        var logits = new float[1000];
        int[] Draw(ulong seed, int choice, int first) =>
            [.. Enumerable.Range(first, 40).Select(position => Sample(logits, new SamplingParameters { Seed = seed }, choice: choice, position: position))];
        int[][] streams = [Draw(1, 0, 0), Draw(2, 0, 0), Draw(1, 1, 0), Draw(1, 0, 40), Draw((1ul << 32) + 1, 0, 0)];

        foreach (var (i, stream) in streams.Index())
        {
            Assert.True(stream.Distinct().Count() > 35);
            Assert.All(streams[..i], other => Assert.True(stream.Zip(other).Count(pair => pair.First == pair.Second) < 3));
        }
    }

    [Fact]
    public void Uniform_draws_are_at_least_0_below_1_and_even()
    {
        var buckets = new int[64];
        for (int i = 0; i < 64_000; i++)
        {
            double uniform = Draws.Uniform((ulong)(i % 7), i % 3, i);
            Assert.InRange(uniform, 0, 1 - double.Epsilon);
            Assert.True(uniform < 1);
            buckets[(int)(uniform * 64)]++;
        }

        Assert.InRange(buckets.Sum(count => (count - 1000.0) * (count - 1000.0) / 1000), 20, 140);
    }

    [Theory]
    [InlineData(1e-6f)]
    [InlineData(1e-30f)]
    [InlineData(1e-40f)]
    [InlineData(float.Epsilon)]
    public void A_temperature_close_to_0_is_greedy(float temperature)
    {
        var logits = RandomLogits(3, 200);
        int best = Sample(logits, Greedy);

        foreach (var parameters in WithEveryFilter(new SamplingParameters { Temperature = temperature }))
        {
            Assert.All(Enumerable.Range(0, 20), position => Assert.Equal(best, Sample(logits, parameters, position: position)));
        }
    }

    [Fact]
    public void A_vocabulary_of_one_has_one_answer()
    {
        foreach (var parameters in WithEveryFilter(new SamplingParameters { TopLogprobs = 5 }).Append(Greedy with { TopLogprobs = 5 }))
        {
            var sampled = new TokenSampler(1).Sample([-3f], parameters, null, 0, 0);

            Assert.Equal((0, 0f), (sampled.Token, sampled.Logprob));
            Assert.Equal([new TokenLogprob(0, 0)], sampled.TopLogprobs);
        }
    }

    [Fact]
    public void Top_k_of_one_and_top_p_of_zero_are_greedy()
    {
        var logits = RandomLogits(5, 300);
        int best = Sample(logits, Greedy);

        Assert.All(Enumerable.Range(0, 50), position =>
        {
            Assert.Equal(best, Sample(logits, new SamplingParameters { TopK = 1 }, position: position));
            Assert.Equal(best, Sample(logits, new SamplingParameters { TopP = 0 }, position: position));
            Assert.Equal(best, Sample(logits, new SamplingParameters { MinP = 1 }, position: position));
        });
    }

    [Fact]
    public void Of_equally_likely_tokens_top_k_keeps_the_lowest_ids()
    {
        var logits = new float[50];
        var drawn = Enumerable.Range(0, 300).Select(position => Sample(logits, new SamplingParameters { TopK = 3 }, position: position));

        Assert.Equal([0, 1, 2], drawn.Distinct().Order());
    }

    [Fact]
    public void Top_p_is_a_share_of_what_top_k_has_kept()
    {
        var logits = new float[50];
        var parameters = new SamplingParameters { TopK = 4, TopP = 0.5f };

        var drawn = Enumerable.Range(0, 300).Select(position => Sample(logits, parameters, position: position));

        Assert.Equal([0, 1], drawn.Distinct().Order());
    }

    [Fact]
    public void A_bias_of_minus_100_keeps_a_token_out()
    {
        float[] logits = [9, 1, 0];
        var bias = new Dictionary<int, float> { [0] = -100 };

        Assert.Equal(1, Sample(logits, Greedy with { LogitBias = bias }));
        foreach (var parameters in WithEveryFilter(new SamplingParameters { LogitBias = bias, Temperature = 2 }))
        {
            Assert.All(Enumerable.Range(0, 300), position => Assert.NotEqual(0, Sample(logits, parameters, position: position)));
        }
    }

    [Fact]
    public void A_bias_of_minus_infinity_keeps_a_token_out()
    {
        float[] logits = [9, 1, 0];
        var bias = new Dictionary<int, float> { [0] = float.NegativeInfinity };

        foreach (var parameters in WithEveryFilter(new SamplingParameters { LogitBias = bias, Temperature = 2 }))
        {
            Assert.All(Enumerable.Range(0, 300), position => Assert.NotEqual(0, Sample(logits, parameters, position: position)));
        }
    }

    [Fact]
    public void A_bias_of_100_makes_a_token_certain()
    {
        var logits = RandomLogits(6, 100);
        var parameters = new SamplingParameters { LogitBias = new Dictionary<int, float> { [42] = 100 } };

        Assert.All(Enumerable.Range(0, 100), position => Assert.Equal(42, Sample(logits, parameters, position: position)));
    }

    [Theory]
    [InlineData(1e-40f)]
    [InlineData(1e-38f)]
    [InlineData(2f)]
    public void A_repetition_penalty_of_any_size_leaves_a_token_to_draw(float penalty)
    {
        float[] logits = [9, 1, -4, 8, -1];
        var counts = new TokenCounts([0, 1, 2], [3]);

        foreach (var parameters in WithEveryFilter(new SamplingParameters { RepetitionPenalty = penalty }))
        {
            int token = new TokenSampler(5).Sample(logits, parameters, counts, 0, 0).Token;
            Assert.Contains(token, penalty < 1 ? [0, 1, 3] : new[] { 0, 1, 2, 3, 4 });
        }
    }

    [Fact]
    public void Sampling_leaves_the_models_logits_as_they_are()
    {
        var logits = RandomLogits(7, 64);
        var before = logits.ToArray();

        Sample(logits, new SamplingParameters { TopK = 5, TopLogprobs = 3, LogitBias = new Dictionary<int, float> { [1] = 5 } });

        Assert.Equal(before, logits);
    }

    private static IEnumerable<SamplingParameters> WithEveryFilter(SamplingParameters parameters) =>
    [
        parameters,
        parameters with { TopK = 2 },
        parameters with { TopK = int.MaxValue },
        parameters with { TopP = 0.9f },
        parameters with { MinP = 0.05f },
        parameters with { TopK = 3, TopP = 0.9f, MinP = 0.01f },
    ];

    private static int Sample(float[] logits, SamplingParameters parameters, int choice = 0, int position = 0) =>
        new TokenSampler(logits.Length).Sample(logits, parameters, null, choice, position).Token;

    private static float[] RandomLogits(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (random.NextSingle() * 12) - 6)];
    }
}
