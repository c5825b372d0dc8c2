using System.Buffers;
using System.Text.Json;
using Crescent.Gateway.Auth;
using Crescent.Gateway.Generation;
using Crescent.Gateway.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Crescent.Gateway.Http;

/// <summary>Models, health and metrics. Health needs no API key; metrics do, since they name models and traffic.</summary>
internal sealed class ServiceEndpoints(
    ICluster cluster,
    CompletionPipeline pipeline,
    ApiKeyAuthenticator authenticator,
    GatewayLifetime lifetime,
    PrometheusExporter metrics)
{
    public Task ModelsAsync(HttpContext http)
    {
        authenticator.Authenticate(http.Request.Headers.Authorization);
        return SendAsync(http, cluster.Models, static (json, models) =>
        {
            json.WriteStartObject();
            json.WriteString("object", "list");
            json.WriteStartArray("data");
            foreach (ServedModel model in models)
            {
                WriteModel(json, model);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    /// <summary>The rest of the path is the id: ids may have slashes in them.</summary>
    public Task ModelAsync(HttpContext http)
    {
        authenticator.Authenticate(http.Request.Headers.Authorization);
        string id = (http.GetRouteValue("id") as string ?? "").Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        return SendAsync(http, pipeline.FindModel(id), WriteModel);
    }

    /// <summary>The process runs. Overload and draining do not change that.</summary>
    public Task LiveAsync(HttpContext http) => SendStatusAsync(http, "live");

    /// <summary>A model is loaded, and new requests are taken.</summary>
    public Task ReadyAsync(HttpContext http)
    {
        string? problem = lifetime.Draining ? "draining" : cluster.Models.Count == 0 ? "loading" : null;
        if (problem is not null)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }

        return SendStatusAsync(http, problem ?? "ready");
    }

    public Task MetricsAsync(HttpContext http)
    {
        authenticator.Authenticate(http.Request.Headers.Authorization);
        http.Response.ContentType = PrometheusExporter.ContentType;
        return http.Response.WriteAsync(metrics.Write(), http.RequestAborted);
    }

    private static Task SendStatusAsync(HttpContext http, string status) => SendAsync(http, status, static (json, s) =>
    {
        json.WriteStartObject();
        json.WriteString("status", s);
        json.WriteEndObject();
    });

    /// <summary><c>max_model_len</c> is what self-hosted servers commonly add.</summary>
    private static void WriteModel(Utf8JsonWriter json, ServedModel model)
    {
        json.WriteStartObject();
        json.WriteString("id", model.Id);
        json.WriteString("object", "model");
        json.WriteNumber("created", model.Created.ToUnixTimeSeconds());
        json.WriteString("owned_by", "crescent");
        json.WriteNumber("max_model_len", model.ContextLength);
        json.WriteEndObject();
    }

    private static async Task SendAsync<T>(HttpContext http, T state, Action<Utf8JsonWriter, T> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, JsonResponse.WriterOptions))
        {
            write(json, state);
        }

        await JsonResponse.SendAsync(http, buffer.WrittenMemory).ConfigureAwait(false);
    }
}
