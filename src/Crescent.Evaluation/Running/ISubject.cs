using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Running;

/// <summary>The model under evaluation, wherever it runs. Safe for concurrent use.</summary>
public interface ISubject
{
    /// <summary>Its name, for people.</summary>
    string Model { get; }

    /// <summary>What its answers are filed under: the fingerprint of its weights, or else name and address.</summary>
    string Identity { get; }

    /// <summary>How its KV is kept, such as bf16.</summary>
    string KvType { get; }

    /// <summary>Bytes of K and V that one position has in all layers; null: not known.</summary>
    long? KvBytesPerToken { get; }

    /// <summary>Prompt and answer together have at most this many tokens; null: not known.</summary>
    int? ContextLength { get; }

    /// <summary>A way to count the tokens of prompts like the samples: exact, or by what the samples took.</summary>
    /// <param name="samples">Without filler, and with some.</param>
    Task<CountTokens> CountLikeAsync((RecallPrompt Bare, RecallPrompt Filled) samples, CancellationToken cancellationToken);

    /// <summary>Answers greedily.</summary>
    /// <exception cref="EvaluationException">The answer is not complete.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    Task<Reply> AskAsync(RecallPrompt prompt, int maxTokens, CancellationToken cancellationToken);
}

/// <param name="CachedTokens">Of the prompt's, those that were not computed.</param>
/// <param name="FirstToken">From the request to the first text; null: there was none.</param>
/// <param name="Total">From the request to the end.</param>
public sealed record Reply(string Text, int PromptTokens, int CachedTokens, int CompletionTokens, TimeSpan? FirstToken, TimeSpan Total);
