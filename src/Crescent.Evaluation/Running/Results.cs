namespace Crescent.Evaluation.Running;

/// <summary>What is the same for all documents that may be compared: model, questions, wording and book.</summary>
/// <param name="Model">See <see cref="ISubject.Identity"/>.</param>
/// <param name="Material">See <see cref="Tasks.RecallMaterial.Hash"/>.</param>
public sealed record Suite(string Model, string Material, ulong Seed, int Questions);

/// <summary>What documents are compared by.</summary>
public sealed record Variant(string KvPolicy, string KvType);

/// <summary>Which document of which run; results are resumed by it.</summary>
/// <param name="Length">In tokens.</param>
public sealed record DocumentKey(Suite Suite, Variant Variant, string Task, int Length, int Document);

/// <param name="Cases">In the order of the questions.</param>
public sealed record DocumentResult(DocumentKey Key, IReadOnlyList<CaseResult> Cases)
{
    /// <inheritdoc cref="ISubject.KvBytesPerToken"/>
    public long? KvBytesPerToken { get; init; }
}

/// <summary>One question and its answer.</summary>
public sealed record CaseResult
{
    public required int Question { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Depth { get; init; }

    public required IReadOnlyList<string> Expected { get; init; }

    public required string Answer { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Score { get; init; }

    public required int PromptTokens { get; init; }

    public required int CachedTokens { get; init; }

    public required int CompletionTokens { get; init; }

    /// <summary>null: there was no text.</summary>
    public double? FirstTokenMs { get; init; }

    public required double TotalMs { get; init; }
}
