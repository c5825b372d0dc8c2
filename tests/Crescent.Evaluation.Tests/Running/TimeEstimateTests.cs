using Crescent.Evaluation.Running;

namespace Crescent.Evaluation.Tests.Running;

public class TimeEstimateTests
{
    [Fact]
    public void Two_prompts_give_back_the_law_they_follow()
    {
        // Reading n tokens takes 2 ms · n + 1 µs · n², a token behind them 10 ms + 5 µs · n.
        static Reply Timed(int n)
        {
            double first = (0.002 * n) + (1e-6 * n * n);
            return new Reply("", n, 0, 11, TimeSpan.FromSeconds(first), TimeSpan.FromSeconds(first + (10 * (0.01 + (5e-6 * n)))));
        }

        var estimate = TimeEstimate.Fit(Timed(1000), Timed(2000));
        double reading = (0.002 * 10_000) + (1e-6 * 1e8);
        double answers = 3 * 20 * (0.002 + (2e-6 * 10_000) + 0.01 + (5e-6 * 10_000));
        Assert.Equal(reading + answers, estimate.Document(10_000, questions: 3, answer: 20).TotalSeconds, 1e-4);
    }

    [Fact]
    public void Noise_does_not_make_longer_prompts_faster()
    {
        var estimate = TimeEstimate.Fit(
            new Reply("", 1000, 0, 1, null, TimeSpan.FromSeconds(3)), new Reply("", 2000, 0, 1, null, TimeSpan.FromSeconds(2)));

        Assert.Equal(10, estimate.Document(10_000, questions: 0, answer: 0).TotalSeconds, 1e-4);
    }

    [Theory]
    [InlineData(0.2, "1 s")]
    [InlineData(119, "119 s")]
    [InlineData(600, "10 min")]
    [InlineData(9000, "2.5 h")]
    public void Times_are_told_in_one_unit(double seconds, string text) => Assert.Equal(text, TimeEstimate.Describe(TimeSpan.FromSeconds(seconds)));
}
