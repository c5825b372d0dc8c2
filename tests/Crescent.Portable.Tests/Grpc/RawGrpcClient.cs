using System.Buffers.Binary;
using System.IO.Compression;
using System.Net;
using System.Net.Http.Headers;
using Google.Protobuf;

namespace Crescent.Portable.Tests.Grpc;

/// <summary>What a server answered, byte for byte where it matters.</summary>
/// <param name="Headers">Of the response, content headers included.</param>
/// <param name="Trailers">Empty when the headers ended the stream.</param>
internal sealed record RawAnswer(
    HttpStatusCode HttpStatus,
    IReadOnlyDictionary<string, string> Headers,
    IReadOnlyList<byte[]> Messages,
    IReadOnlyDictionary<string, string> Trailers)
{
    public bool IsTrailersOnly => Headers.ContainsKey("grpc-status");

    public string? Status => Find("grpc-status");

    public string? Find(string key) =>
        Trailers.TryGetValue(key, out var value) || Headers.TryGetValue(key, out value) ? value : null;
}

/// <summary>Speaks gRPC over HTTP/2 with nothing between the test and the frames.</summary>
internal sealed class RawGrpcClient(Uri address) : IDisposable
{
    public const int PrefixSize = 5;

    private readonly HttpClient _http = new() { BaseAddress = address };

    public static byte[] Frame(IMessage message, bool compressed = false) => Frame(message.ToByteArray(), compressed);

    public static byte[] Frame(byte[] payload, bool compressed = false)
    {
        var frame = new byte[PrefixSize + payload.Length];
        frame[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), payload.Length);
        payload.CopyTo(frame, PrefixSize);
        return frame;
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
        {
            gzip.Write(bytes);
        }

        return output.ToArray();
    }

    /// <summary>Sends everything, then reads everything.</summary>
    public Task<RawAnswer> CallAsync(string method, IMessage request, params (string Key, string Value)[] headers) =>
        CallAsync(method, new ByteArrayContent(Frame(request)), headers);

    public async Task<RawAnswer> CallAsync(string method, HttpContent body, params (string Key, string Value)[] headers)
    {
        using var response = await SendAsync(method, body, CancellationToken.None, headers);
        var content = await response.Content.ReadAsByteArrayAsync();
        return new RawAnswer(
            response.StatusCode,
            Flatten(response.Headers, response.Content.Headers),
            Split(content),
            Flatten(response.TrailingHeaders));
    }

    /// <summary>Comes back with the response's headers; the body follows as the server writes it.</summary>
    public Task<HttpResponseMessage> SendAsync(
        string method, HttpContent body, CancellationToken cancellationToken, params (string Key, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, method)
        {
            Content = body,
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        body.Headers.ContentType ??= new MediaTypeHeaderValue("application/grpc");
        request.Headers.Add("te", "trailers");
        foreach (var (key, value) in headers)
        {
            request.Headers.Add(key, value);
        }

        return _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private static Dictionary<string, string> Flatten(params HttpHeaders[] headers) =>
        headers.SelectMany(h => h).ToDictionary(h => h.Key.ToLowerInvariant(), h => string.Join(',', h.Value));

    private static List<byte[]> Split(byte[] content)
    {
        var messages = new List<byte[]>();
        for (var at = 0; at + PrefixSize <= content.Length;)
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(content.AsSpan(at + 1));
            messages.Add(content.AsSpan(at + PrefixSize, length).ToArray());
            at += PrefixSize + length;
        }

        return messages;
    }
}
