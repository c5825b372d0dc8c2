using Crescent.Gateway.Auth;
using Crescent.Gateway.Grpc;
using Crescent.Portable.Tests.Grpc;
using static Crescent.Gateway.Grpc.HealthCheckResponse.Types;

namespace Crescent.Gateway.Tests.Grpc;

public class HealthServiceTests
{
    private const string Inference = "crescent.v1.Inference";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_gateway_with_a_model_serves()
    {
        await using var server = await GrpcServer.StartAsync();

        Assert.Equal((ServingStatus.Serving, ServingStatus.Serving), (await CheckAsync(server, ""), await CheckAsync(server, Inference)));
    }

    [Fact]
    public async Task While_the_model_loads_the_process_lives_and_does_not_serve()
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster { Models = [] });

        Assert.Equal((ServingStatus.Serving, ServingStatus.NotServing), (await CheckAsync(server, ""), await CheckAsync(server, Inference)));
    }

    [Fact]
    public async Task While_draining_the_process_lives_and_does_not_serve()
    {
        await using var server = await GrpcServer.StartAsync();
        server.Lifetime.StartDraining();

        Assert.Equal((ServingStatus.Serving, ServingStatus.NotServing), (await CheckAsync(server, ""), await CheckAsync(server, Inference)));
    }

    [Fact]
    public async Task An_unknown_service_is_not_found()
    {
        await using var server = await GrpcServer.StartAsync();

        var answer = await server.Client.CallAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest { Service = "nobody" });

        Assert.Equal("5", answer.Status);
    }

    [Fact]
    public async Task Health_needs_no_key()
    {
        await using var server = await GrpcServer.StartAsync(options: new GatewayOptions { ApiKeys = [new ApiKey("key")] });

        Assert.Equal(ServingStatus.Serving, await CheckAsync(server, ""));
    }

    [Fact]
    public async Task A_watcher_learns_of_changes_and_is_let_go_when_the_host_stops()
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster { Models = [] });
        var request = new ByteArrayContent(RawGrpcClient.Frame(new HealthCheckRequest { Service = Inference }));
        using var response = await server.Client.SendAsync("/grpc.health.v1.Health/Watch", request, CancellationToken.None);
        var stream = await response.Content.ReadAsStreamAsync();
        Assert.Equal(ServingStatus.NotServing, await ReadAsync(stream));

        server.Cluster.Models = new FakeCluster().Models;
        Assert.Equal(ServingStatus.Serving, await ReadAsync(stream));

        server.Lifetime.StartDraining();
        Assert.Equal(ServingStatus.NotServing, await ReadAsync(stream));

        server.BeginStop();
        Assert.Equal(0, await stream.ReadAsync(new byte[1]).AsTask().WaitAsync(Patience));
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    private static async Task<ServingStatus> CheckAsync(GrpcServer server, string service)
    {
        var answer = await server.Client.CallAsync("/grpc.health.v1.Health/Check", new HealthCheckRequest { Service = service });
        Assert.Equal("0", answer.Status);
        return HealthCheckResponse.Parser.ParseFrom(Assert.Single(answer.Messages)).Status;
    }

    private static async Task<ServingStatus> ReadAsync(Stream stream)
    {
        var prefix = new byte[RawGrpcClient.PrefixSize];
        await stream.ReadExactlyAsync(prefix).AsTask().WaitAsync(Patience);
        var payload = new byte[prefix[^1]];
        await stream.ReadExactlyAsync(payload).AsTask().WaitAsync(Patience);
        return HealthCheckResponse.Parser.ParseFrom(payload).Status;
    }
}
