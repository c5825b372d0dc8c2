using Crescent.Evaluation.Measures;

namespace Crescent.Evaluation.Tests.Measures;

public sealed class BootstrapTests
{
    [Fact]
    public void TheIntervalOfManyValuesIsThatOfANormalMean()
    {
        double[] values = [.. Enumerable.Range(0, 400).Select(i => i % 2 == 0 ? 4.0 : 6.0)];
        var interval = Bootstrap.OfMean(values, seed: 1);

        Assert.Equal(5, interval.Mean);
        Assert.Equal(5 - (1.96 / 20), interval.Low, 0.01);
        Assert.Equal(5 + (1.96 / 20), interval.High, 0.01);
        Assert.Equal(interval, Bootstrap.OfMean(values, seed: 1));
    }

    [Fact]
    public void OneValueHasNoWidth() => Assert.Equal(new Interval(3, 3, 3), Bootstrap.OfMean([3], seed: 1));
}
