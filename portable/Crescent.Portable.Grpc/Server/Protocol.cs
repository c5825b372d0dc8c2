using System.Globalization;
using System.Text;
using Grpc.Core;
using Microsoft.AspNetCore.Http;

namespace Grpc.AspNetCore.Server;

/// <summary>The text parts of gRPC over HTTP/2 (grpc/grpc, doc/PROTOCOL-HTTP2.md).</summary>
internal static class Protocol
{
    public const string ContentType = "application/grpc";
    public const string TimeoutHeader = "grpc-timeout";
    public const string EncodingHeader = "grpc-encoding";
    public const string AcceptEncodingHeader = "grpc-accept-encoding";

    /// <summary>The encodings a request may come in.</summary>
    public const string AcceptedEncodings = "identity,gzip";

    private const string StatusHeader = "grpc-status";
    private const string MessageHeader = "grpc-message";
    private const int MaxTimeoutDigits = 8;

    /// <summary>True for application/grpc, application/grpc+proto and so on.</summary>
    public static bool IsGrpc(HttpRequest request)
    {
        var type = request.ContentType.AsSpan();
        return type.StartsWith(ContentType, StringComparison.OrdinalIgnoreCase)
            && (type.Length == ContentType.Length || type[ContentType.Length] is '+' or ';');
    }

    /// <summary>Up to eight digits and a unit: H, M, S, m, u or n. Null for anything else.</summary>
    public static TimeSpan? ParseTimeout(string? text)
    {
        if (text is not { Length: > 1 and <= MaxTimeoutDigits + 1 }
            || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count))
        {
            return null;
        }

        long? ticks = text[^1] switch
        {
            'H' => count * TimeSpan.TicksPerHour,
            'M' => count * TimeSpan.TicksPerMinute,
            'S' => count * TimeSpan.TicksPerSecond,
            'm' => count * TimeSpan.TicksPerMillisecond,
            'u' => count * TimeSpan.TicksPerMicrosecond,
            'n' => count / TimeSpan.NanosecondsPerTick,
            _ => null,
        };
        return ticks is { } value ? TimeSpan.FromTicks(value) : null;
    }

    public static void WriteStatus(IHeaderDictionary destination, Status status)
    {
        destination[StatusHeader] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
        if (status.Detail.Length > 0)
        {
            destination[MessageHeader] = PercentEncode(status.Detail);
        }
    }

    /// <summary>Every byte of the UTF-8 text outside printable ASCII, and the percent sign, becomes %XX.</summary>
    private static string PercentEncode(string text)
    {
        var encoded = new StringBuilder(text.Length);
        foreach (var value in Encoding.UTF8.GetBytes(text))
        {
            if (value is >= (byte)' ' and <= (byte)'~' and not (byte)'%')
            {
                encoded.Append((char)value);
            }
            else
            {
                encoded.Append('%').Append(value.ToString("X2", CultureInfo.InvariantCulture));
            }
        }

        return encoded.ToString();
    }
}
