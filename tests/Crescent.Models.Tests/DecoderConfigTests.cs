using Crescent.Testing;

namespace Crescent.Models.Tests;

public class DecoderConfigTests
{
    private static readonly DecoderConfig Llama31 = RandomModel.Config() with
    {
        HeadDim = 128,
        RopeTheta = 500_000,
        RopeScaling = new Llama3RopeScaling(8, 1, 4, 8192),
    };

    [Fact]
    public void Frequencies_fall_geometrically_from_one()
    {
        var config = RandomModel.Config() with { HeadDim = 8, RopeTheta = 10_000 };

        Assert.Equal([1, 0.1, 0.01, 0.001], config.InverseFrequencies(), (a, b) => Math.Abs(a - b) < 1e-15);
    }

    // Recorded from the formula in Python, at Llama 3.1's own parameters.
    [Theory]
    [InlineData(0, 1)]
    [InlineData(28, 0.0032114459947525913)]
    [InlineData(31, 0.0008567514129196321)]
    [InlineData(34, 0.00017850781276799638)]
    [InlineData(63, 3.068925988914511e-07)]
    public void Llama3_scaling_keeps_short_wavelengths_stretches_long_ones_and_blends_between(int index, double expected)
    {
        Assert.Equal(expected, Llama31.InverseFrequencies()[index], expected * 1e-12);
    }

    [Fact]
    public void Divisors_replace_the_scaling()
    {
        var divisors = Enumerable.Range(1, 64).Select(i => (float)i).ToArray();
        var plain = (Llama31 with { RopeScaling = null }).InverseFrequencies();

        var divided = (Llama31 with { RopeDivisors = divisors }).InverseFrequencies();

        Assert.Equal(plain.Select((frequency, i) => frequency / (i + 1)), divided);
    }
}
