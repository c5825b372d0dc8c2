using Crescent.Evaluation.Measures;

namespace Crescent.Evaluation.Tests.Measures;

public sealed class DistributionTests
{
    [Fact]
    public void DivergenceIsOfTheFirstFromTheSecond()
    {
        // (1/2, 1/2) and (9/10, 1/10), their logits shifted.
        float[] p = [1, 1];
        float[] q = [-3 + MathF.Log(9), -3];

        Assert.Equal((0.5 * Math.Log(0.5 / 0.9)) + (0.5 * Math.Log(0.5 / 0.1)), Distribution.Divergence(p, q), 1e-6);
        Assert.Equal((0.9 * Math.Log(0.9 / 0.5)) + (0.1 * Math.Log(0.1 / 0.5)), Distribution.Divergence(q, p), 1e-6);
        Assert.Equal(0, Distribution.Divergence(p, p));
    }

    [Fact]
    public void LargeLogitsDoNotOverflow() => Assert.Equal(1000 + Math.Log(2), Distribution.LogSum([1000, 1000]), 1e-9);

    [Fact]
    public void OfEqualLogitsTheFirstIsBest() => Assert.Equal(1, Distribution.Best([0, 2, 2]));
}
