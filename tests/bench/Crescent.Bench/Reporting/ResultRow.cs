using System.Text.Json.Serialization;

namespace Crescent.Bench.Reporting;

/// <summary>A measured line, as results.json keeps it.</summary>
public sealed record ResultRow
{
    public required string Id { get; init; }

    public required string Group { get; init; }

    public required string Configuration { get; init; }

    public required string Unit { get; init; }

    public required string SubjectName { get; init; }

    public required string ReferenceName { get; init; }

    public Samples? Subject { get; init; }

    public Samples? Reference { get; init; }

    public Target? Target { get; init; }

    /// <summary>Of the tree that was measured; +changes if it was not clean.</summary>
    public required string Commit { get; init; }

    public required DateTimeOffset Date { get; init; }

    /// <summary>The one-minute load average before; earlier rows of the same run are in it.</summary>
    public required double LoadAverage { get; init; }

    /// <summary>The most of all processors that other processes had during a round: 0 to 1.</summary>
    public required double OthersShare { get; init; }

    /// <summary>Measured although other processes were busy.</summary>
    public bool Busy { get; init; }

    /// <summary>Subject by reference, of the medians.</summary>
    [JsonIgnore]
    public double? Ratio => Subject is not null && Reference is not null ? Subject.Median / Reference.Median : null;

    /// <summary>null: there is no target, or nothing to hold against it.</summary>
    [JsonIgnore]
    public bool? Reached => Target is null || Subject is null ? null : Target.Reached(Ratio, Subject.Median);
}
