using System.Net;
using System.Net.Http.Json;
using Crescent.Testing;
using Microsoft.Extensions.Logging;

namespace Crescent.Server.Tests;

public sealed class NodeServerTests
{
    private static NodeOptions Options => new() { ModelPath = Repository.CrescentXs, Port = 0, GrpcPort = 0 };

    [Fact]
    public async Task IsLiveBeforeTheModelIsLoadedAndReadyAfter()
    {
        await using var node = await StartAsync(Options);
        using var client = new HttpClient { BaseAddress = node.HttpAddress };
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/live")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await client.GetAsync("/health/ready")).StatusCode);
        node.LoadModel();
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync("/health/ready")).StatusCode);
    }

    [Fact]
    public async Task ListensOnLoopbackOnly()
    {
        await using var node = await StartAsync(Options);
        Assert.Equal("127.0.0.1", node.HttpAddress.Host);
        Assert.Equal("127.0.0.1", node.GrpcAddress.Host);
    }

    [Fact]
    public async Task ATakenPortIsNamed()
    {
        await using var node = await StartAsync(Options);
        int taken = node.HttpAddress.Port;
        var failure = await Assert.ThrowsAsync<IOException>(() => StartAsync(Options with { Port = taken }));
        Assert.Contains(taken.ToString(System.Globalization.CultureInfo.InvariantCulture), failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task StoppingEndsRunningRequestsWithinTheDrainLimit()
    {
        await using var node = await StartAsync(Options with { DrainLimit = TimeSpan.Zero });
        var loaded = node.LoadModel();
        using var client = new HttpClient { BaseAddress = node.HttpAddress };
        var running = client.PostAsJsonAsync(
            "/v1/completions", new { model = loaded.Model.Id, prompt = "In", max_tokens = 1000, ignore_eos = true });
        while (loaded.Worker.GetStatus().RunningRequests == 0)
        {
            await Task.Yield();
        }

        await node.StopAsync();
        string body = await (await running).Content.ReadAsStringAsync();
        Assert.Contains("\"drained\"", body, StringComparison.Ordinal);
    }

    [SharedModelFact]
    public async Task TheFirstSpaceOfAnAnswerIsPartOfIt()
    {
        // This tokenizer writes a space into the token behind it, and drops one at the start of a text.
        await using var node = await StartAsync(Options with { ModelPath = SharedModels.PathOf(SharedModels.Stories260K) });
        var loaded = node.LoadModel();
        using var client = new HttpClient { BaseAddress = node.HttpAddress };
        var response = await client.PostAsJsonAsync(
            "/v1/completions", new { model = loaded.Model.Id, prompt = "Once upon", max_tokens = 4, temperature = 0 });
        string body = await response.Content.ReadAsStringAsync();
        Assert.Contains("\"text\":\" a time", body, StringComparison.Ordinal);
    }

    [Fact]
    public void ADeviceCacheSmallerThanABlockIsRefused()
    {
        using var loggers = LoggerFactory.Create(_ => { });
        var failure = Assert.Throws<ArgumentException>(() => LoadedModel.Open(Options with { DeviceCacheBytes = 100 }, loggers));
        Assert.Contains("one block", failure.Message, StringComparison.Ordinal);
    }

    private static Task<NodeServer> StartAsync(NodeOptions options) =>
        NodeServer.StartAsync(options, logging => logging.SetMinimumLevel(LogLevel.None), default);
}
