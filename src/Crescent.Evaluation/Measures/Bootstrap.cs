namespace Crescent.Evaluation.Measures;

/// <summary>A mean with the bounds of its 95% interval.</summary>
public sealed record Interval(double Mean, double Low, double High);

internal static class Bootstrap
{
    private const int Resamples = 10_000;

    /// <summary>Percentile interval of the mean over resamples with replacement. One value has an interval of no width.</summary>
    public static Interval OfMean(IReadOnlyList<double> values, int seed)
    {
        var random = new Random(seed);
        double[] means = new double[Resamples];
        for (int i = 0; i < Resamples; i++)
        {
            for (int j = 0; j < values.Count; j++)
            {
                means[i] += values[random.Next(values.Count)] / values.Count;
            }
        }

        Array.Sort(means);
        return new Interval(values.Average(), means[(int)(0.025 * Resamples)], means[(int)(0.975 * Resamples)]);
    }
}
