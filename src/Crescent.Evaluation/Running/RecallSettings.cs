namespace Crescent.Evaluation.Running;

/// <summary>What is asked of a model.</summary>
public sealed record RecallSettings
{
    public required IReadOnlyList<string> Tasks { get; init; }

    /// <summary>In tokens, prompt and answer together.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>Per task and length. Default: 5.</summary>
    public int Documents { get; init; } = 5;

    /// <summary>Over each document. Default: 40.</summary>
    public int Questions { get; init; } = 40;

    /// <summary>Default: 1.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Questions at once, after the first of a document has left its prefix in the cache. Default: 4.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>Which keys a query attends. Default: dense.</summary>
    public string KvPolicy { get; init; } = KvPolicies.Dense;
}

/// <summary>The policies there are.</summary>
public static class KvPolicies
{
    /// <summary>All keys.</summary>
    public const string Dense = "dense";
}
