using System.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;

namespace Microsoft.AspNetCore.Builder;

public static class GrpcEndpointRouteBuilderExtensions
{
    /// <summary>
    /// Serves a class derived from a generated service base. One instance, from the container when it is registered
    /// there, serves all calls.
    /// </summary>
    public static void MapGrpcService<TService>(this IEndpointRouteBuilder builder)
        where TService : class
    {
        var (bind, descriptor) = FindGenerated(typeof(TService));
        var service = ActivatorUtilities.GetServiceOrCreateInstance<TService>(builder.ServiceProvider);
        var definition = (ServerServiceDefinition)bind.Invoke(null, [service])!;
        var catalog = builder.ServiceProvider.GetRequiredService<ServiceCatalog>();
        var binder = new EndpointBinder(builder);
        if (catalog.Services.Count == 0)
        {
            binder.MapUnknownMethods();
        }

        catalog.Add(descriptor);
        definition.BindService(binder);
    }

    private static (MethodInfo Bind, ServiceDescriptor Descriptor) FindGenerated(Type service)
    {
        for (var type = service; type is not null; type = type.BaseType)
        {
            if (type.GetCustomAttribute<BindServiceMethodAttribute>(inherit: false) is { } attribute)
            {
                var bind = attribute.BindType.GetMethod(attribute.BindMethodName, [type])!;
                return (bind, (ServiceDescriptor)attribute.BindType.GetProperty("Descriptor")!.GetValue(null)!);
            }
        }

        throw new InvalidOperationException($"{service} does not derive from a generated gRPC service base.");
    }
}
