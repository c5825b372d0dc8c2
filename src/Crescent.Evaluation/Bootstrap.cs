using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation;

/// <param name="Mean">Of the values themselves.</param>
/// <param name="Low">2.5% of resampled means are lower.</param>
/// <param name="High">2.5% are higher.</param>
public sealed record Interval(double Mean, double Low, double High);

/// <summary>Percentile bootstrap of a mean.</summary>
public static class Bootstrap
{
    public const int Resamples = 2000;

    private const double Tail = 0.025;

    /// <summary>
    /// Draws as many values from each document as it has, with replacement, again and again. For a difference between
    /// two variants, give the differences case by case: what is drawn is drawn in pairs.
    /// </summary>
    /// <param name="documents">The values of each; at least one in all.</param>
    /// <param name="name">The same gives the same interval.</param>
    public static Interval Mean(IReadOnlyList<double[]> documents, string name)
    {
        var draws = new Draws($"bootstrap/{name}");
        int count = documents.Sum(values => values.Length);
        var means = new double[Resamples];
        for (int i = 0; i < Resamples; i++)
        {
            double sum = 0;
            foreach (var values in documents)
            {
                for (int drawn = 0; drawn < values.Length; drawn++)
                {
                    sum += values[draws.Next(values.Length)];
                }
            }

            means[i] = sum / count;
        }

        Array.Sort(means);
        return new Interval(documents.Sum(values => values.Sum()) / count, Quantile(means, Tail), Quantile(means, 1 - Tail));
    }

    /// <summary>Interpolates between the two values around it.</summary>
    private static double Quantile(double[] sorted, double share)
    {
        double place = share * (sorted.Length - 1);
        int below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below])) : sorted[below];
    }
}
