namespace Crescent;

/// <summary>Why a request is refused. Each kind maps to one HTTP status and one gRPC status.</summary>
public enum RefusalKind
{
    /// <summary>The request is wrong and will stay wrong. 400, INVALID_ARGUMENT.</summary>
    Invalid,

    /// <summary>No or a wrong API key. 401, UNAUTHENTICATED.</summary>
    Unauthenticated,

    /// <summary>No such model. 404, NOT_FOUND.</summary>
    NotFound,

    /// <summary>The body is over the limit. 413, RESOURCE_EXHAUSTED.</summary>
    TooLarge,

    /// <summary>Queues are full; try again later. 429, RESOURCE_EXHAUSTED.</summary>
    Overloaded,

    /// <summary>Loading or draining. 503, UNAVAILABLE.</summary>
    Unavailable,
}

/// <summary>A request that is not admitted: nothing was computed for it and nothing of it remains.</summary>
/// <param name="kind">Decides the status.</param>
/// <param name="message">One sentence that names the field and the limit.</param>
/// <param name="param">The field at fault, in the client's spelling.</param>
/// <param name="code">A machine-readable word such as <c>context_length_exceeded</c>.</param>
public sealed class RequestException(RefusalKind kind, string message, string? param = null, string? code = null)
    : Exception(message)
{
    public RefusalKind Kind { get; } = kind;

    public string? Param { get; } = param;

    public string? Code { get; } = code;

    /// <summary>When a retry has a chance, for <see cref="RefusalKind.Overloaded"/> and <see cref="RefusalKind.Unavailable"/>.</summary>
    public TimeSpan? RetryAfter { get; init; }
}
