using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Crescent.Gateway.Http;

/// <summary>Reads a request's JSON body.</summary>
internal static class RequestBody
{
    private static readonly byte[] Bom = [0xEF, 0xBB, 0xBF];

    /// <exception cref="RequestException">Not UTF-8, or not JSON.</exception>
    /// <exception cref="BadHttpRequestException">Longer than <paramref name="maxBytes"/>, or it stopped coming.</exception>
    public static async Task<JsonDocument> ReadJsonAsync(HttpContext http, long maxBytes)
    {
        if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = maxBytes;
        }

        var buffer = new MemoryStream();
        await http.Request.Body.CopyToAsync(buffer, http.RequestAborted).ConfigureAwait(false);
        ReadOnlyMemory<byte> body = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (body.Span.StartsWith(Bom))
        {
            body = body[Bom.Length..];
        }

        if (!Utf8.IsValid(body.Span))
        {
            throw new RequestException(RefusalKind.Invalid, "The body is not valid UTF-8.", code: "invalid_utf8");
        }

        try
        {
            // The document keeps reading from the buffer, which outlives this method's stream.
            return JsonDocument.Parse(body);
        }
        catch (JsonException e)
        {
            throw new RequestException(
                RefusalKind.Invalid,
                $"The body is not valid JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}).",
                code: "invalid_json");
        }
    }
}
