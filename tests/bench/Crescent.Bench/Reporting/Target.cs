using System.Globalization;

namespace Crescent.Bench.Reporting;

/// <summary>What a row must reach: a ratio to its reference, or a value.</summary>
/// <param name="Goal">The line of the table of goals that the row counts for.</param>
/// <param name="AtLeastRatio">Subject by reference.</param>
/// <param name="AtMost">Subject, in its unit.</param>
public sealed record Target(string Goal, double? AtLeastRatio = null, double? AtMost = null)
{
    /// <param name="ratio">null when one of the two was not measured.</param>
    public bool Reached(double? ratio, double subject) =>
        (AtLeastRatio is null || ratio >= AtLeastRatio) && (AtMost is null || subject <= AtMost);

    public override string ToString() => AtLeastRatio is { } ratio
        ? string.Create(CultureInfo.InvariantCulture, $"≥ {ratio:0.##}×")
        : string.Create(CultureInfo.InvariantCulture, $"≤ {AtMost:0.##}");
}
