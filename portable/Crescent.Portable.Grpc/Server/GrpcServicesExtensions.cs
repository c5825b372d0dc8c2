using Grpc.AspNetCore.Server;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Microsoft.Extensions.DependencyInjection;

public static class GrpcServicesExtensions
{
    public static void AddGrpc(this IServiceCollection services, Action<GrpcServiceOptions> configureOptions)
    {
        services.TryAddSingleton<ServiceCatalog>();
        services.Configure(configureOptions);
    }
}
