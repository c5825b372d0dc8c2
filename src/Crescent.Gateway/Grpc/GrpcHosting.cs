using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Crescent.Gateway.Grpc;

/// <summary>The gateway's gRPC surface: inference, health and reflection.</summary>
internal static class GrpcHosting
{
    public static void AddGrpcSurface(this IServiceCollection services, GatewayOptions options)
    {
        services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = (int)Math.Min(options.MaxBodyBytes, Array.MaxLength));
        services.AddGrpcReflection();
        services.AddSingleton<InferenceService>();
        services.AddSingleton<HealthService>();
    }

    public static void MapGrpcSurface(this IEndpointRouteBuilder endpoints)
    {
        endpoints.MapGrpcService<InferenceService>();
        endpoints.MapGrpcService<HealthService>();
        endpoints.MapGrpcReflectionService();
    }
}
