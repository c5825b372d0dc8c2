using Crescent.Gateway.Generation;

namespace Crescent.Cli.Answers;

/// <summary>A model to ask, in this process or behind a URL.</summary>
internal interface IAnswerSource : IAsyncDisposable
{
    /// <summary>The model's name.</summary>
    string Model { get; }

    /// <summary>
    /// Runs a request of one prompt and one choice; its model is replaced by <see cref="Model"/>. The last part, and
    /// only the last, has an end. Cancelling ends the answer with <see cref="FinishReason.Cancelled"/> and does not throw.
    /// </summary>
    /// <exception cref="RequestException">Refused, before any part.</exception>
    IAsyncEnumerable<AnswerPart> AskAsync(CompletionRequest request, CancellationToken cancellationToken);
}

internal readonly record struct AnswerPart()
{
    public string Text { get; init; } = "";

    /// <summary>Tokens of the prompt that are read so far, where that is known.</summary>
    public int PrefilledTokens { get; init; }

    /// <summary>0 where it is not known.</summary>
    public int PromptTokens { get; init; }

    public AnswerEnd? End { get; init; }
}

/// <param name="Usage">null: the source did not tell, as after cancelling behind a URL.</param>
/// <param name="Error">What went wrong, beside <see cref="FinishReason.Error"/>.</param>
internal sealed record AnswerEnd(FinishReason Reason, CompletionUsage? Usage, string? Error = null);

/// <param name="FirstToken">From the request to the first text; null when there was none.</param>
internal sealed record Answer(string Model, string Text, AnswerEnd End, TimeSpan? FirstToken, TimeSpan Total)
{
    /// <summary>Of the tokens after the first; null with fewer than two.</summary>
    public double? TokensPerSecond =>
        End.Usage is { CompletionTokens: > 1 } usage && FirstToken is { } first && Total > first
            ? (usage.CompletionTokens - 1) / (Total - first).TotalSeconds
            : null;
}
