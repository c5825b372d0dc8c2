namespace Crescent.Evaluation;

/// <summary>An evaluation that cannot be done as asked: one sentence for who asked.</summary>
public sealed class EvaluationException(string message) : Exception(message);
