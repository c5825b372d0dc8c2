using Crescent.Evaluation.Measures;

namespace Crescent.Evaluation.Running;

/// <summary>Measures that look into the model, and so need it in this process.</summary>
public static class MeasureTasks
{
    /// <summary>How well the book is predicted, with more or less of it before.</summary>
    public const string Perplexity = "perplexity";

    /// <summary>Whether the setup says what dense attention over F32 KV says.</summary>
    public const string Agreement = "agreement";

    /// <summary>How attention is spread over the keys, and its error against dense attention over F32 KV.</summary>
    public const string Attention = "attention";

    public static IReadOnlyList<string> Names { get; } = [Perplexity, Agreement, Attention];
}

/// <summary>Which measure of what; results are resumed by it.</summary>
/// <param name="Model">Fingerprint.</param>
/// <param name="Text">See <see cref="Tasks.RecallMaterial.Hash"/>.</param>
/// <param name="Lengths">In tokens, with commas between.</param>
public sealed record MeasureKey(string Model, string Text, string Task, string Lengths, MeasuredSetup Setup);

/// <summary>One measure's result; of the four kinds those that the task has.</summary>
public sealed record MeasureResult(MeasureKey Key)
{
    public PerplexityResult? Perplexity { get; init; }

    public AgreementResult? Agreement { get; init; }

    public AttentionMassResult? Masses { get; init; }

    public AttentionErrorResult? Errors { get; init; }
}
