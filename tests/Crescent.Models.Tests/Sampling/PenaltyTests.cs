using Crescent.Models.Sampling;

namespace Crescent.Models.Tests.Sampling;

/// <summary>Each penalty by itself, seen in what greedy sampling takes.</summary>
public class PenaltyTests
{
    private static readonly SamplingParameters Greedy = new() { Temperature = 0 };

    [Theory]
    [InlineData(0.6f, 0)]
    [InlineData(1.5f, 1)]
    public void The_presence_penalty_is_subtracted_once_however_often_a_token_came(float penalty, int expected)
    {
        Assert.Equal(expected, Sample([5, 4, 0], Greedy with { PresencePenalty = penalty }, prompt: [], output: [0, 0, 0]));
    }

    [Theory]
    [InlineData(0.2f, 0)]
    [InlineData(0.6f, 1)]
    public void The_frequency_penalty_is_subtracted_for_each_time_a_token_came(float penalty, int expected)
    {
        Assert.Equal(expected, Sample([5, 4, 0], Greedy with { FrequencyPenalty = penalty }, prompt: [], output: [0, 0, 0]));
    }

    [Fact]
    public void Presence_and_frequency_penalties_do_not_see_the_prompt()
    {
        var parameters = Greedy with { PresencePenalty = 2, FrequencyPenalty = 2 };

        Assert.Equal(0, Sample([5, 4, 0], parameters, prompt: [0, 0, 0], output: []));
    }

    [Fact]
    public void The_repetition_penalty_divides_a_positive_logit_once()
    {
        Assert.Equal(0, Sample([5, 2.4f, 0], Greedy with { RepetitionPenalty = 2 }, prompt: [0, 0], output: [0]));
        Assert.Equal(1, Sample([5, 2.6f, 0], Greedy with { RepetitionPenalty = 2 }, prompt: [0, 0], output: [0]));
    }

    [Fact]
    public void The_repetition_penalty_multiplies_a_negative_logit()
    {
        Assert.Equal(1, Sample([-2, -3.9f], Greedy with { RepetitionPenalty = 2 }, prompt: [], output: [0]));
        Assert.Equal(0, Sample([-2, -4.1f], Greedy with { RepetitionPenalty = 2 }, prompt: [], output: [0]));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_repetition_penalty_sees_prompt_and_output(bool inPrompt)
    {
        Assert.Equal(1, Sample([5, 4, 0], Greedy with { RepetitionPenalty = 2 }, inPrompt ? [0] : [], inPrompt ? [] : [0]));
    }

    [Fact]
    public void Penalties_come_after_the_bias()
    {
        // (-1 + 5) / 2 = 2; the other way round it would be -1 * 2 + 5 = 3.
        var parameters = Greedy with { RepetitionPenalty = 2, LogitBias = new Dictionary<int, float> { [0] = 5 } };

        Assert.Equal(1, Sample([-1, 2.5f], parameters, prompt: [0], output: []));
    }

    [Fact]
    public void Without_a_penalty_no_counts_are_needed()
    {
        Assert.False(TokenCounts.Needed(new SamplingParameters { Temperature = 2, TopK = 3, LogitBias = new Dictionary<int, float> { [0] = 5 } }));
        Assert.True(TokenCounts.Needed(new SamplingParameters { RepetitionPenalty = 1.1f }));
        Assert.True(TokenCounts.Needed(new SamplingParameters { PresencePenalty = -1 }));
        Assert.True(TokenCounts.Needed(new SamplingParameters { FrequencyPenalty = 0.1f }));
    }

    private static int Sample(float[] logits, SamplingParameters parameters, int[] prompt, int[] output)
    {
        var counts = new TokenCounts(prompt, []);
        Array.ForEach(output, counts.Add);
        return new TokenSampler(logits.Length).Sample(logits, parameters, counts, choice: 0, position: output.Length).Token;
    }
}
