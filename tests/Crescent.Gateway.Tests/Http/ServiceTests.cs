using System.Text.Json;
using Crescent.Gateway.Auth;

namespace Crescent.Gateway.Tests.Http;

public sealed class ServiceTests
{
    [Fact]
    public async Task Models_are_listed()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        Assert.Equal(
            """{"object":"list","data":[{"id":"fake/model","object":"model","created":86400,"owned_by":"crescent","max_model_len":512}]}""",
            (await server.GetJsonAsync("/v1/models")).GetRawText());
    }

    [Theory]
    [InlineData("/v1/models/fake/model")]
    [InlineData("/v1/models/fake%2Fmodel")]
    [InlineData("/v1/models/fake%2fmodel")]
    public async Task A_model_is_found_by_an_id_with_a_slash(string path)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        Assert.Equal("fake/model", (await server.GetJsonAsync(path)).GetProperty("id").GetString());
    }

    [Fact]
    public async Task An_unknown_model_is_404()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.Client.GetAsync("/v1/models/none");
        Assert.Equal(404, (int)response.StatusCode);
        Assert.Equal("model_not_found", (await GatewayServer.ReadJsonAsync(response)).GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task Ready_is_when_a_model_is_loaded_and_until_draining()
    {
        var cluster = new FakeCluster();
        IReadOnlyList<ServedModel> models = cluster.Models;
        cluster.Models = [];
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);

        Assert.Equal((503, "loading"), await HealthAsync(server, "ready"));
        cluster.Models = models;
        Assert.Equal((200, "ready"), await HealthAsync(server, "ready"));
        server.Get<GatewayLifetime>().StartDraining();
        Assert.Equal((503, "draining"), await HealthAsync(server, "ready"));
        Assert.Equal((200, "live"), await HealthAsync(server, "live"));
    }

    [Fact]
    public async Task While_loading_requests_are_503_with_a_time_to_retry()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeCluster { Models = [] });
        using HttpResponseMessage response = await server.PostAsync("/v1/completions", """{"model":"m","prompt":"x"}""");

        Assert.Equal(503, (int)response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
    }

    [Fact]
    public async Task While_draining_new_requests_are_503_and_running_ones_go_on()
    {
        var held = new TaskCompletionSource();
        var cluster = new FakeCluster { BeforeToken = (_, position) => position == 0 ? Task.CompletedTask : held.Task };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);
        Task<List<string>> running = server.PostStreamAsync("/v1/completions", """{"model":"fake/model","prompt":"x","stream":true,"max_tokens":3}""");
        await Until.TrueAsync(() => cluster.Running == 1);
        server.Get<GatewayLifetime>().StartDraining();

        using HttpResponseMessage response = await server.PostAsync("/v1/completions", """{"model":"fake/model","prompt":"x"}""");
        Assert.Equal(503, (int)response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        held.SetResult();
        Assert.Equal("[DONE]", (await running)[^1]);
    }

    [Fact]
    public async Task Health_needs_no_key_and_models_do()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(options: new GatewayOptions { ApiKeys = [new ApiKey("k")] });

        Assert.Equal((200, "ready"), await HealthAsync(server, "ready"));
        using HttpResponseMessage response = await server.Client.GetAsync("/v1/models");
        Assert.Equal(401, (int)response.StatusCode);
    }

    private static async Task<(int, string?)> HealthAsync(GatewayServer server, string kind)
    {
        using HttpResponseMessage response = await server.Client.GetAsync($"/health/{kind}");
        JsonElement body = await GatewayServer.ReadJsonAsync(response);
        return ((int)response.StatusCode, body.GetProperty("status").GetString());
    }
}
