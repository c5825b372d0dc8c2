using System.Globalization;
using Grpc.Core;

namespace Crescent.Gateway.Grpc;

/// <summary>What a refusal and an untimely end are on the wire.</summary>
internal static class GrpcErrors
{
    public static RpcException ToRpcException(RequestException refusal)
    {
        var trailers = new Metadata();
        Add(trailers, "error-param", refusal.Param);
        Add(trailers, "error-code", refusal.Code);
        if (refusal.RetryAfter is { } delay)
        {
            trailers.Add("retry-after", Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture));
        }

        return new RpcException(new Status(CodeOf(refusal.Kind), refusal.Message), trailers);
    }

    /// <returns>null for the two reasons that are an ordinary end.</returns>
    public static RpcException? ToRpcException(Crescent.FinishReason reason, string? error) => reason switch
    {
        Crescent.FinishReason.Stop or Crescent.FinishReason.Length => null,
        Crescent.FinishReason.Cancelled => Ended(StatusCode.Cancelled, "The request was cancelled."),
        Crescent.FinishReason.Deadline => Ended(StatusCode.DeadlineExceeded, "The request ran out of time."),
        Crescent.FinishReason.Drained => Ended(StatusCode.Unavailable, "The server shut down before the end."),
        Crescent.FinishReason.Error => Ended(StatusCode.Internal, error ?? "The worker failed."),
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };

    public static RpcException Ended(StatusCode code, string message) => new(new Status(code, message));

    private static StatusCode CodeOf(RefusalKind kind) => kind switch
    {
        RefusalKind.Invalid => StatusCode.InvalidArgument,
        RefusalKind.Unauthenticated => StatusCode.Unauthenticated,
        RefusalKind.NotFound => StatusCode.NotFound,
        RefusalKind.TooLarge or RefusalKind.Overloaded => StatusCode.ResourceExhausted,
        RefusalKind.Unavailable => StatusCode.Unavailable,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static void Add(Metadata trailers, string key, string? value)
    {
        if (value is not null)
        {
            trailers.Add(key, value);
        }
    }
}
