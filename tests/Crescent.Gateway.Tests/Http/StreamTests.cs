using System.Net.Sockets;
using System.Text;
using Crescent.Gateway.Generation;
using Crescent.Testing;

namespace Crescent.Gateway.Tests.Http;

public sealed class StreamTests
{
    private const string Path = "/v1/completions";
    private const string Body = """{"model":"fake/model","prompt":"x","stream":true,"max_tokens":4}""";

    [Fact]
    public async Task A_silent_stream_is_kept_open_by_comments()
    {
        var time = new ManualTime();
        var held = new TaskCompletionSource();
        var cluster = new FakeCluster { BeforeToken = (_, _) => held.Task };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster, time: time);
        Task<HttpResponseMessage> pending = server.PostAsync(Path, Body);
        await Until.TrueAsync(() => cluster.Running == 1);
        time.Advance(TimeSpan.FromSeconds(15));
        using HttpResponseMessage response = await pending;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        Assert.Equal(": keep-alive", await reader.ReadLineAsync());
        Assert.Equal("", await reader.ReadLineAsync());
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal(": keep-alive", await reader.ReadLineAsync());
        held.SetResult();
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_after_a_comment_is_an_error_event()
    {
        var time = new ManualTime();
        var held = new TaskCompletionSource();
        var cluster = new FakeCluster { OnStart = _ => { held.Task.Wait(); throw new RequestException(RefusalKind.Overloaded, "Full."); } };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster, time: time);
        Task<HttpResponseMessage> pending = server.PostAsync(Path, Body);
        await Until.TrueAsync(() => cluster.Requests.Count == 1);
        time.Advance(TimeSpan.FromSeconds(15));
        using HttpResponseMessage response = await pending;
        held.SetResult();

        string text = await response.Content.ReadAsStringAsync();
        Assert.StartsWith(": keep-alive\n\ndata: {\"error\":{\"message\":\"Full.\",\"type\":\"rate_limit_error\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_delta_is_sent_when_it_is_there()
    {
        var held = new TaskCompletionSource();
        var cluster = new FakeCluster { BeforeToken = (_, position) => position < 2 ? Task.CompletedTask : held.Task };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);
        using HttpResponseMessage response = await server.PostAsync(Path, Body);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

        for (int i = 0; i < 2; i++)
        {
            Assert.StartsWith("data: {", await reader.ReadLineAsync(), StringComparison.Ordinal);
            Assert.Equal("", await reader.ReadLineAsync());
        }

        held.SetResult();
        Assert.EndsWith("data: [DONE]\n\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_client_that_goes_away_cancels_the_workers_stream_and_releases_admission(bool stream)
    {
        var cluster = new FakeCluster { BeforeToken = (_, position) => position == 0 ? Task.CompletedTask : Task.Delay(Timeout.Infinite) };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);
        using (var client = await SendRawAsync(server, Body.Replace("true", stream ? "true" : "false", StringComparison.Ordinal)))
        {
            await Until.TrueAsync(() => cluster.Running == 1);
        }

        await Until.TrueAsync(() => cluster.Running == 0 && server.Get<CompletionPipeline>().Admission.Requests == 0);
        Assert.Equal(1, cluster.Ended);
    }

    [Fact]
    public async Task A_client_that_reads_nothing_does_not_hold_up_others()
    {
        var cluster = new FakeCluster(contextLength: 2_000_000);
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);
        using TcpClient slow = await SendRawAsync(server, """{"model":"fake/model","prompt":"x","stream":true,"logprobs":20,"max_tokens":1000000}""");
        await Until.TrueAsync(() => cluster.Running == 1);

        for (int i = 0; i < 20; i++)
        {
            List<string> events = await server.PostStreamAsync(Path, Body);
            Assert.Equal("[DONE]", events[^1]);
        }

        Assert.Equal(1, cluster.Running);
    }

    [Fact]
    public async Task A_hundred_streams_at_once_each_get_their_own_text()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        CompletionPipeline pipeline = server.Get<CompletionPipeline>();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(async seed =>
        {
            var request = new CompletionRequest { Model = "fake/model", Prompts = [new Prompt.Text("x")], Seed = (ulong)seed, MaxTokens = 50 };
            string expected = (await pipeline.Prepare(request).CollectAsync()).Choices[0].Text;
            List<string> events = await server.PostStreamAsync(Path, $$"""{"model":"fake/model","prompt":"x","stream":true,"max_tokens":50,"seed":{{seed}}}""");
            string text = string.Concat(events[..^1].Select(e => System.Text.Json.JsonDocument.Parse(e).RootElement.GetProperty("choices")[0].GetProperty("text").GetString()));
            Assert.Equal(expected, text);
        }));

        await Until.TrueAsync(() => pipeline.Admission.Requests == 0);
    }

    private static async Task<TcpClient> SendRawAsync(GatewayServer server, string body)
    {
        var client = new TcpClient { ReceiveBufferSize = 4096 };
        await client.ConnectAsync(server.Address.Host, server.Address.Port);
        string head = $"POST {Path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(head + body));
        return client;
    }
}
