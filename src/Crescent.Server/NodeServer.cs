using System.Net;
using Crescent.Cluster.Local;
using Crescent.Gateway;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Crescent.Server;

/// <summary>
/// The embedded node: gateway, one-process cluster and worker behind two loopback ports. It listens before the model is
/// loaded, so that health can be asked from the start.
/// </summary>
public sealed class NodeServer : IAsyncDisposable
{
    private readonly NodeOptions _options;
    private readonly WebApplication _app;
    private readonly LocalCluster _cluster;

    private NodeServer(NodeOptions options, WebApplication app, LocalCluster cluster)
    {
        _options = options;
        _app = app;
        _cluster = cluster;
    }

    /// <summary>Where HTTP is served, such as http://127.0.0.1:8080.</summary>
    public Uri HttpAddress => Address(0);

    /// <summary>Where gRPC is served, over HTTP/2 without TLS.</summary>
    public Uri GrpcAddress => Address(1);

    /// <summary>Null until <see cref="LoadModel"/> has returned.</summary>
    public LoadedModel? Loaded { get; private set; }

    /// <summary>Listens; nothing is loaded yet.</summary>
    /// <exception cref="IOException">A port is taken; the message names it.</exception>
    public static async Task<NodeServer> StartAsync(NodeOptions options, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        // Settings files of whatever folder the process was started in are not ours.
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        logging(builder.Logging.ClearProviders());
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Listen(IPAddress.Loopback, options.Port, listen => listen.Protocols = HttpProtocols.Http1);
            kestrel.Listen(IPAddress.Loopback, options.GrpcPort, listen => listen.Protocols = HttpProtocols.Http2);
        });
        var cluster = new LocalCluster();
        builder.Services.AddSingleton<ICluster>(cluster);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainLimit + TimeSpan.FromSeconds(5));
        builder.AddCrescentGateway(options.Gateway);
        var app = builder.Build();
        app.MapCrescentGateway();
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            await app.DisposeAsync();
            throw;
        }

        return new NodeServer(options, app, cluster);
    }

    /// <summary>Loads the model; requests are served once this returns.</summary>
    /// <exception cref="Models.Weights.ModelFormatException">Names the file and what is wrong with it.</exception>
    public LoadedModel LoadModel()
    {
        Loaded = LoadedModel.Open(_options, _app.Services.GetRequiredService<ILoggerFactory>());
        _cluster.Add(Loaded.Model, Loaded.Worker);

        // What reading the tokenizer leaves behind would stay resident for as long as little else is allocated.
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
        return Loaded;
    }

    /// <summary>Refuses new requests, lets running ones finish within the drain limit, ends the rest, stops listening.</summary>
    public async Task StopAsync()
    {
        _app.Services.GetRequiredService<GatewayLifetime>().StartDraining();
        if (Loaded is not null)
        {
            using var limit = new CancellationTokenSource(_options.DrainLimit);
            await Loaded.Worker.DrainAsync(limit.Token);
        }

        await _app.StopAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Loaded?.Dispose();
    }

    private Uri Address(int index) =>
        new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.ElementAt(index));
}
