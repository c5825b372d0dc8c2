using Grpc.Core;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Routing.Patterns;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Grpc.AspNetCore.Server;

/// <summary>Makes each method of a service an endpoint.</summary>
internal sealed class EndpointBinder(IEndpointRouteBuilder endpoints) : ServiceBinderBase
{
    private static readonly RoutePattern AnyMethod = RoutePatternFactory.Parse(
        "{service}/{method}", defaults: null, parameterPolicies: new { method = new GrpcContentOnly() });

    private readonly GrpcServiceOptions _options = endpoints.ServiceProvider.GetRequiredService<GrpcServiceOptions>();

    private readonly ILogger _logger =
        endpoints.ServiceProvider.GetRequiredService<ILoggerFactory>().CreateLogger("Grpc.AspNetCore.Server");

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, UnaryServerMethod<TRequest, TResponse>? handler) =>
        Map(method, async call =>
        {
            var request = await call.Requests.ReadSingleAsync(method.RequestMarshaller, call.CancellationToken);
            var response = await handler!(request, call);
            await call.WriteAsync(method.ResponseMarshaller, response, flush: false);
        });

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, ServerStreamingServerMethod<TRequest, TResponse>? handler) =>
        Map(method, async call =>
        {
            var request = await call.Requests.ReadSingleAsync(method.RequestMarshaller, call.CancellationToken);
            await handler!(request, new ResponseStream<TResponse>(call, method.ResponseMarshaller), call);
        });

    public override void AddMethod<TRequest, TResponse>(
        Method<TRequest, TResponse> method, DuplexStreamingServerMethod<TRequest, TResponse>? handler) =>
        Map(method, call => handler!(
            new RequestStream<TRequest>(call.Requests, method.RequestMarshaller),
            new ResponseStream<TResponse>(call, method.ResponseMarshaller),
            call));

    /// <summary>Answers gRPC calls that no endpoint matches.</summary>
    public void MapUnknownMethods() =>
        endpoints.Map(AnyMethod, RefuseUnknownMethodAsync).WithDisplayName("Unknown gRPC method").WithOrder(int.MaxValue);

    private static Task RefuseUnknownMethodAsync(HttpContext http)
    {
        http.Response.ContentType = Protocol.ContentType;
        var status = new Status(StatusCode.Unimplemented, $"There is no method {http.Request.Path}.");
        Protocol.WriteStatus(http.Response.Headers, status);
        return Task.CompletedTask;
    }

    private void Map<TRequest, TResponse>(Method<TRequest, TResponse> method, Func<ServerCall, Task> handler)
        where TRequest : class
        where TResponse : class =>
        endpoints
            .MapMethods(method.FullName, [HttpMethods.Post], http => ServerCall.RunAsync(http, _options, _logger, handler))
            .WithDisplayName($"gRPC {method.Type} {method.FullName}");

    /// <summary>Leaves every other request to the rest of the routes.</summary>
    private sealed class GrpcContentOnly : IRouteConstraint
    {
        public bool Match(
            HttpContext? httpContext,
            IRouter? route,
            string routeKey,
            RouteValueDictionary values,
            RouteDirection routeDirection) =>
            httpContext is not null && Protocol.IsGrpc(httpContext.Request);
    }
}
