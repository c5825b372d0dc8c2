using Grpc.AspNetCore.Server;

namespace Microsoft.Extensions.DependencyInjection;

public static class GrpcServicesExtensions
{
    public static void AddGrpc(this IServiceCollection services, Action<GrpcServiceOptions> configureOptions)
    {
        var options = new GrpcServiceOptions();
        configureOptions(options);
        services.AddSingleton(options);
        services.AddSingleton<ServiceCatalog>();
    }
}
