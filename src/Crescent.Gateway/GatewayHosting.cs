using Crescent.Gateway.Auth;
using Crescent.Gateway.Generation;
using Crescent.Gateway.Grpc;
using Crescent.Gateway.Http;
using Crescent.Gateway.Metrics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Crescent.Gateway;

/// <summary>How a host becomes a gateway. The host registers one <see cref="ICluster"/>; all else is the same in every host.</summary>
public static class GatewayHosting
{
    public static IHostApplicationBuilder AddCrescentGateway(this IHostApplicationBuilder builder, GatewayOptions options)
    {
        builder.Services.AddSingleton(options);
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton<GatewayLifetime>();
        builder.Services.AddSingleton<GatewayMetrics>();
        builder.Services.AddSingleton<PrometheusExporter>();
        builder.Services.AddSingleton<ApiKeyAuthenticator>();
        builder.Services.AddSingleton<CompletionPipeline>();
        builder.Services.AddSingleton<CompletionEndpoints>();
        builder.Services.AddSingleton<ServiceEndpoints>();
        builder.Services.AddGrpcSurface(options);
        return builder;
    }

    /// <summary>Maps the HTTP and the gRPC surface. Call it before other endpoints are mapped: its error handling is outermost.</summary>
    public static WebApplication MapCrescentGateway(this WebApplication app)
    {
        ILogger logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("Crescent.Gateway.Http");
        app.Use((http, next) => HttpErrors.HandleAsync(http, next, logger));

        // The exporter counts from when it is made.
        app.Services.GetRequiredService<PrometheusExporter>();
        CompletionEndpoints completions = app.Services.GetRequiredService<CompletionEndpoints>();
        app.MapOnly(HttpMethods.Post, "/v1/chat/completions", completions.ChatAsync);
        app.MapOnly(HttpMethods.Post, "/v1/completions", completions.TextAsync);

        ServiceEndpoints services = app.Services.GetRequiredService<ServiceEndpoints>();
        app.MapOnly(HttpMethods.Get, "/v1/models", services.ModelsAsync);
        app.MapOnly(HttpMethods.Get, "/v1/models/{**id}", services.ModelAsync);
        app.MapOnly(HttpMethods.Get, "/health/live", services.LiveAsync);
        app.MapOnly(HttpMethods.Get, "/health/ready", services.ReadyAsync);
        app.MapOnly(HttpMethods.Get, "/metrics", services.MetricsAsync);
        app.MapGrpcSurface();
        return app;
    }

    private static void MapOnly(this WebApplication app, string method, string pattern, RequestDelegate handler)
    {
        app.MapMethods(pattern, [method], handler);

        // gRPC's route for unknown methods matches any path, and any HTTP method: beside it, routing by itself answers 404.
        app.Map(pattern, http =>
        {
            http.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            http.Response.Headers.Allow = method;
            return Task.CompletedTask;
        });
    }
}
