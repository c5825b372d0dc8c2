using Grpc.Reflection;
using Microsoft.AspNetCore.Routing;

namespace Microsoft.Extensions.DependencyInjection
{
    public static class GrpcReflectionServiceExtensions
    {
        public static void AddGrpcReflection(this IServiceCollection services) =>
            services.AddSingleton<ReflectionAnswers>();
    }
}

namespace Microsoft.AspNetCore.Builder
{
    public static class GrpcReflectionEndpointRouteBuilderExtensions
    {
        /// <summary>Serves the descriptors of all mapped services as grpc.reflection.v1 and v1alpha.</summary>
        public static void MapGrpcReflectionService(this IEndpointRouteBuilder builder)
        {
            builder.MapGrpcService<ReflectionService>();
            builder.MapGrpcService<ReflectionAlphaService>();
        }
    }
}
