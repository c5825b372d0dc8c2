
namespace Crescent.Evaluation.Tests;

public class BootstrapTests
{
    [Fact]
    public void Two_values_resample_to_nothing_half_and_all()
    {
        // Means 0, ½ and 1 come with probabilities ¼, ½ and ¼: 2.5% on either side lie at 0 and 1.
        Assert.Equal(new Interval(0.5, 0, 1), Bootstrap.Mean([[0, 1]], "two"));
    }

    [Fact]
    public void Documents_are_resampled_each_by_itself()
    {
        Assert.Equal(new Interval(0.5, 0.5, 0.5), Bootstrap.Mean([[0, 0], [1, 1]], "documents"));
    }

    [Fact]
    public void Many_cases_come_near_the_normal_interval()
    {
        // 1.96 · √(p (1 − p) / n) for p = 0.8, n = 200 is 0.0554.
        double[][] documents = [.. Enumerable.Range(0, 5).Select(_ => Enumerable.Range(0, 40).Select(i => i < 32 ? 1.0 : 0).ToArray())];
        var interval = Bootstrap.Mean(documents, "normal");

        Assert.Equal(0.8, interval.Mean, 1e-9);
        Assert.Equal(0.8 - 0.0554, interval.Low, 0.008);
        Assert.Equal(0.8 + 0.0554, interval.High, 0.008);
    }

    [Fact]
    public void A_name_gives_the_same_interval_again()
    {
        double[] values = [.. Enumerable.Range(0, 50).Select(i => i / 50.0)];

        Assert.Equal(Bootstrap.Mean([values], "a"), Bootstrap.Mean([values], "a"));
        Assert.NotEqual(Bootstrap.Mean([values], "a"), Bootstrap.Mean([values], "b"));
    }
}
