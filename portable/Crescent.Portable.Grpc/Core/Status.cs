namespace Grpc.Core;

/// <summary>The status codes of the gRPC protocol, by their numbers on the wire.</summary>
public enum StatusCode
{
    OK = 0,
    Cancelled = 1,
    Unknown = 2,
    InvalidArgument = 3,
    DeadlineExceeded = 4,
    NotFound = 5,
    AlreadyExists = 6,
    PermissionDenied = 7,
    ResourceExhausted = 8,
    FailedPrecondition = 9,
    Aborted = 10,
    OutOfRange = 11,
    Unimplemented = 12,
    Internal = 13,
    Unavailable = 14,
    DataLoss = 15,
    Unauthenticated = 16,
}

/// <summary>How a call ended.</summary>
/// <param name="statusCode">The outcome.</param>
/// <param name="detail">A sentence for people; may be empty.</param>
public readonly struct Status(StatusCode statusCode, string detail)
{
    internal StatusCode StatusCode { get; } = statusCode;

    internal string Detail { get; } = detail;
}

/// <summary>Thrown by a handler to end its call with a status other than OK.</summary>
public class RpcException(Status status, Metadata trailers) : Exception($"{status.StatusCode}: {status.Detail}")
{
    public RpcException(Status status)
        : this(status, [])
    {
    }

    internal Status Status { get; } = status;

    /// <summary>Sent beside the status.</summary>
    internal Metadata Trailers { get; } = trailers;
}
