using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Crescent.Gateway.Http;

/// <summary>Turns whatever goes wrong into OpenAI's error shape with the right status.</summary>
internal static partial class HttpErrors
{
    private const string GrpcContentType = "application/grpc";

    /// <summary>The outermost step of a request.</summary>
    public static async Task HandleAsync(HttpContext http, RequestDelegate next, ILogger logger)
    {
        try
        {
            await next(http).ConfigureAwait(false);
            if (IsBareStatus(http, out string message))
            {
                await WriteAsync(http, http.Response.StatusCode, new RequestException(RefusalKind.NotFound, message)).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is ConnectionResetException || http.RequestAborted.IsCancellationRequested)
        {
            // There is nobody to answer.
        }
        catch (RequestException e) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, StatusOf(e.Kind), e).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e) when (!http.Response.HasStarted)
        {
            await WriteAsync(http, e.StatusCode, Describe(e)).ConfigureAwait(false);
        }
        catch (Exception e) when (!http.Response.HasStarted)
        {
            LogFailure(logger, e, http.Request.Path);
            await WriteAsync(http, StatusCodes.Status500InternalServerError, new RequestException(RefusalKind.Unavailable, "The server failed."))
                .ConfigureAwait(false);
        }
    }

    public static void WriteError(Utf8JsonWriter json, int status, RequestException error)
    {
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteString("message", error.Message);
        json.WriteString("type", TypeOf(status));
        json.WriteString("param", error.Param);
        json.WriteString("code", error.Code);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    public static int StatusOf(RefusalKind kind) => kind switch
    {
        RefusalKind.Invalid => StatusCodes.Status400BadRequest,
        RefusalKind.Unauthenticated => StatusCodes.Status401Unauthorized,
        RefusalKind.NotFound => StatusCodes.Status404NotFound,
        RefusalKind.TooLarge => StatusCodes.Status413PayloadTooLarge,
        RefusalKind.Overloaded => StatusCodes.Status429TooManyRequests,
        RefusalKind.Unavailable => StatusCodes.Status503ServiceUnavailable,
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };

    private static string TypeOf(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => "authentication_error",
        StatusCodes.Status429TooManyRequests => "rate_limit_error",
        >= StatusCodes.Status500InternalServerError => "server_error",
        _ => "invalid_request_error",
    };

    private static async Task WriteAsync(HttpContext http, int status, RequestException error)
    {
        HttpResponse response = http.Response;
        response.StatusCode = status;
        if (error.RetryAfter is { } delay)
        {
            response.Headers.RetryAfter = Math.Ceiling(delay.TotalSeconds).ToString(CultureInfo.InvariantCulture);
        }

        if (status == StatusCodes.Status401Unauthorized)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonResponse.WriterOptions))
        {
            WriteError(json, status, error);
        }

        await JsonResponse.SendAsync(http, buffer.WrittenMemory).ConfigureAwait(false);
    }

    private static RequestException Describe(BadHttpRequestException e) =>
        e.StatusCode == StatusCodes.Status413PayloadTooLarge
            ? new RequestException(RefusalKind.TooLarge, $"The body is too large. {e.Message}", code: "body_too_large")
            : new RequestException(RefusalKind.Invalid, e.Message);

    /// <summary>Whether routing has answered with a status and nothing else.</summary>
    private static bool IsBareStatus(HttpContext http, out string message)
    {
        message = "";
        if (http.Response.HasStarted
            || http.Response.ContentType is not null
            || http.Request.ContentType?.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase) == true)
        {
            return false;
        }

        message = http.Response.StatusCode switch
        {
            StatusCodes.Status404NotFound => $"There is nothing at {http.Request.Path}.",
            StatusCodes.Status405MethodNotAllowed => $"{http.Request.Path} does not take {http.Request.Method}; it takes {http.Response.Headers.Allow}.",
            _ => "",
        };
        return message.Length > 0;
    }

    [LoggerMessage(LogLevel.Error, "{Path} failed")]
    private static partial void LogFailure(ILogger logger, Exception exception, string path);
}
