using System.Net.Http.Headers;
using System.Text.Json;

namespace Crescent.Cli.Answers;

/// <param name="ContextLength">null: the server does not tell.</param>
internal sealed record RemoteModel(string Id, int? ContextLength);

/// <summary>A node's HTTP surface.</summary>
internal sealed class NodeClient : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    /// <param name="url">As <see cref="TryParseUrl"/> gives it.</param>
    /// <param name="apiKey">Sent with every request; null: none.</param>
    public NodeClient(Uri url, string? apiKey)
    {
        Url = url.AbsoluteUri.TrimEnd('/');
        _http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = ConnectTimeout, UseProxy = !url.IsLoopback })
        {
            BaseAddress = url,
            Timeout = Timeout.InfiniteTimeSpan,
        };
        if (apiKey is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        }
    }

    /// <summary>Without a slash at its end.</summary>
    public string Url { get; }

    /// <summary>An absolute http or https URL; a trailing /v1 is left out.</summary>
    public static Uri? TryParseUrl(string text)
    {
        string root = text.TrimEnd('/');
        root = root.EndsWith("/v1", StringComparison.Ordinal) ? root[..^"/v1".Length] : root;
        return Uri.TryCreate(root + "/", UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
    }

    /// <exception cref="CliException">No answer, or an error.</exception>
    public async Task<IReadOnlyList<RemoteModel>> GetModelsAsync(CancellationToken cancellationToken)
    {
        string body = await GetAsync("v1/models", cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(body);
            return [.. document.RootElement.GetProperty("data").EnumerateArray().Select(model => new RemoteModel(
                model.GetProperty("id").GetString()!,
                model.TryGetProperty("max_model_len", out var length) && length.TryGetInt32(out int tokens) ? tokens : null))];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CliException($"{Url} does not answer as a model server does");
        }
    }

    /// <summary>Prometheus text.</summary>
    /// <exception cref="CliException">No answer, or an error.</exception>
    public Task<string> GetMetricsAsync(CancellationToken cancellationToken) => GetAsync("metrics", cancellationToken);

    /// <summary>ready, loading or draining.</summary>
    /// <exception cref="CliException">No answer, or not from a node.</exception>
    public async Task<string> GetStateAsync(CancellationToken cancellationToken)
    {
        using var response = await SendAsync(new HttpRequestMessage(HttpMethod.Get, "health/ready"), cancellationToken);
        try
        {
            using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(cancellationToken));
            return document.RootElement.GetProperty("status").GetString() ?? "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CliException($"{Url} does not answer as a Crescent node does");
        }
    }

    /// <summary>Posts a JSON object; the body of the answer is not read yet.</summary>
    /// <exception cref="CliException">No answer, or an error.</exception>
    public async Task<HttpResponseMessage?> PostAsync(string path, Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        var content = new ByteArrayContent(buffer.ToArray()) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        return await SuccessAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = content }, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    /// <summary>The message of an OpenAI error, whose JSON is an object or a string.</summary>
    internal static string ErrorMessage(JsonElement error) =>
        error.ValueKind == JsonValueKind.Object && error.TryGetProperty("message", out var message) ? message.GetString() ?? "" : error.ToString();

    private async Task<string> GetAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await SuccessAsync(new HttpRequestMessage(HttpMethod.Get, path), cancellationToken);
        return await response.Content.ReadAsStringAsync(cancellationToken);
    }

    private async Task<HttpResponseMessage> SuccessAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var response = await SendAsync(request, cancellationToken);
        if (response.IsSuccessStatusCode)
        {
            return response;
        }

        using (response)
        {
            string body = await response.Content.ReadAsStringAsync(cancellationToken);
            throw new CliException(DescribeError(body) ?? $"{Url} answered {(int)response.StatusCode} {response.ReasonPhrase}");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        }
        catch (HttpRequestException e)
        {
            throw new CliException($"cannot reach {Url}: {e.Message}");
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new CliException($"cannot reach {Url}: {e.InnerException?.Message ?? e.Message}");
        }
    }

    private static string? DescribeError(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement.TryGetProperty("error", out var error) ? ErrorMessage(error) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
