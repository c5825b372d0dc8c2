namespace Crescent.Evaluation.Tasks;

/// <summary>A document of a wanted length with the questions about it.</summary>
/// <param name="Tokens">Of the longest prompt, and the answer's budget.</param>
/// <param name="MaxTokens">The answer's budget.</param>
public sealed record RecallDocument(string Text, IReadOnlyList<RecallQuestion> Questions, int Tokens, int MaxTokens);

/// <param name="Expected">Every one should be in the answer.</param>
/// <param name="Depth">Where the (first) needle stands, from 0 to 1.</param>
public sealed record RecallQuestion(string Text, IReadOnlyList<string> Expected, double Depth);
