using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Crescent.Portable.Tests.Grpc;

/// <summary>The probe service on a real socket, beside an ordinary route, and a client for it.</summary>
internal sealed class ProbeHost : IAsyncDisposable
{
    public const int MaxReceiveMessageSize = 4 * 1024 * 1024;

    private readonly WebApplication _app;

    private ProbeHost(WebApplication app)
    {
        _app = app;
        Signals = app.Services.GetRequiredService<ProbeSignals>();
        Client = new RawGrpcClient(new Uri(app.Urls.First()));
    }

    public ProbeSignals Signals { get; }

    public RawGrpcClient Client { get; }

    public static async Task<ProbeHost> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
        builder.Services.AddSingleton<ProbeSignals>();
        builder.Services.AddSingleton<ProbeService>();
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = MaxReceiveMessageSize);
        builder.Services.AddGrpcReflection();
        var app = builder.Build();
        app.MapGrpcService<ProbeService>();
        app.MapGrpcReflectionService();
        app.MapPost("/some/file", () => Results.Text("an ordinary route"));
        await app.StartAsync();
        return new ProbeHost(app);
    }

    public async ValueTask DisposeAsync()
    {
        Signals.Released.TrySetResult();
        Client.Dispose();
        await _app.DisposeAsync();
    }
}
