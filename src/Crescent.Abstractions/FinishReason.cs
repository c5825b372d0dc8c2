namespace Crescent;

/// <summary>Why a generation ended. Every admitted request ends in exactly one.</summary>
public enum FinishReason
{
    /// <summary>A stop token, the model's end of sequence, or a stop string.</summary>
    Stop,

    /// <summary>The request's token limit or the model's context length.</summary>
    Length,

    /// <summary>The caller went away or asked for the end.</summary>
    Cancelled,

    /// <summary>The request's deadline passed.</summary>
    Deadline,

    /// <summary>The worker shut down before the generation was complete.</summary>
    Drained,

    /// <summary>The worker failed. The text so far is valid.</summary>
    Error,
}
