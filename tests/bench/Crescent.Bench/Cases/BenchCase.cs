using Crescent.Bench.Reporting;

namespace Crescent.Bench.Cases;

/// <summary>One line of the tables: one piece of work in one configuration, measured twice.</summary>
/// <param name="Id">Unique; what --only looks in.</param>
/// <param name="Group">The table it is in.</param>
/// <param name="Configuration">Shape, weights, threads and the like, for a reader.</param>
/// <param name="Unit">Of both measurements.</param>
internal sealed record BenchCase(string Id, string Group, string Configuration, string Unit)
{
    /// <summary>Repeats of one measurement; null: this cannot be measured yet.</summary>
    public Func<BenchContext, Task<double[]>>? Subject { get; init; }

    /// <summary>What it is compared with; null: nothing.</summary>
    public Func<BenchContext, Task<double[]>>? Reference { get; init; }

    public string SubjectName { get; init; } = "Crescent";

    public string ReferenceName { get; init; } = "llama.cpp";

    /// <summary>Times each side is measured, in turn.</summary>
    public int Rounds { get; init; } = 3;

    public Target? Target { get; init; }

    /// <summary>Both engines must agree on this model before anything of it is timed.</summary>
    public ModelName? Model { get; init; }

    /// <summary>Part of a quick run.</summary>
    public bool Quick { get; init; }
}

/// <summary>A shape's letter and the format of its weights.</summary>
internal readonly record struct ModelName(string Shape, DType Format)
{
    public override string ToString() => $"{Shape}-{Format}";
}
