using System.Net;
using Crescent.Gateway.Grpc;
using Crescent.Portable.Tests.Grpc;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Crescent.Gateway.Tests.Grpc;

/// <summary>The gateway on HTTP/2 at a free port of 127.0.0.1, in front of a <see cref="FakeCluster"/>.</summary>
internal sealed class GrpcServer : IAsyncDisposable
{
    public const string Service = "/crescent.v1.Inference/";

    private readonly WebApplication _app;

    private GrpcServer(WebApplication app, FakeCluster cluster)
    {
        _app = app;
        Cluster = cluster;
        Client = new RawGrpcClient(new Uri(app.Urls.Single()));
    }

    public FakeCluster Cluster { get; }

    public RawGrpcClient Client { get; }

    public GatewayLifetime Lifetime => _app.Services.GetRequiredService<GatewayLifetime>();

    public static async Task<GrpcServer> StartAsync(FakeCluster? cluster = null, GatewayOptions? options = null)
    {
        cluster ??= new FakeCluster();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton<ICluster>(cluster);
        builder.AddCrescentGateway(options ?? new GatewayOptions());
        var app = builder.Build();
        app.MapCrescentGateway();
        await app.StartAsync();
        return new GrpcServer(app, cluster);
    }

    /// <summary>A request that ends after three tokens unless a script or a field says otherwise.</summary>
    public static Gateway.Grpc.GenerateRequest Request() => new()
    {
        Model = FakeCluster.ModelId,
        Input = new Input { Text = "prompt" },
        MaxTokens = 3,
        Seed = 1,
    };

    public Task<RawAnswer> GenerateAsync(IMessage request, params (string Key, string Value)[] headers) =>
        Client.CallAsync(Service + "Generate", request, headers);

    public static List<GenerateResponse> Responses(RawAnswer answer) =>
        [.. answer.Messages.Select(GenerateResponse.Parser.ParseFrom)];

    public void BeginStop() => _app.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
