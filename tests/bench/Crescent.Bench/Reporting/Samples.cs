using System.Text.Json.Serialization;

namespace Crescent.Bench.Reporting;

/// <summary>Repeated measurements of one thing.</summary>
/// <param name="Values">In the order they were taken; at least one.</param>
public sealed record Samples(IReadOnlyList<double> Values)
{
    [JsonIgnore]
    public double Median
    {
        get
        {
            var sorted = Values.Order().ToArray();
            var middle = sorted.Length / 2;
            return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        }
    }

    [JsonIgnore]
    public double Min => Values.Min();

    [JsonIgnore]
    public double Max => Values.Max();
}
