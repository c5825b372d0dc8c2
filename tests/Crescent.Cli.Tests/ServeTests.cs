using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using Crescent.Cli.Tests.Support;
using Crescent.Testing;

namespace Crescent.Cli.Tests;

public sealed class ServeTests(TinyModels models) : IClassFixture<TinyModels>
{
    private static string[] Serve(string model, params string[] more) =>
        ["serve", "--model", model, "--port", "0", "--grpc-port", "0", "--threads", "1", "--json", .. more];

    [Fact]
    public async Task It_tells_where_it_serves_and_ends_on_SIGTERM()
    {
        using var node = CrescentProcess.Start(Serve(models.Chat, "--name", "tiny"));
        var ready = await ReadyAsync(node);
        Assert.Equal("tiny", ready.GetProperty("model").GetString());
        Assert.Equal(512, ready.GetProperty("context_length").GetInt32());
        using var http = new HttpClient();
        Assert.Equal(HttpStatusCode.OK, (await http.GetAsync($"{UrlOf(ready)}/health/ready")).StatusCode);

        node.Signal(PosixSignal.SIGTERM);
        var ended = await node.EndAsync();
        Assert.Equal(0, ended.ExitCode);
        Assert.Empty(ended.Lines);
    }

    [Fact]
    public async Task Both_sources_give_the_same_answer()
    {
        using var node = CrescentProcess.Start(Serve(models.Chat));
        string url = UrlOf(await ReadyAsync(node));
        string[] sampling = ["--json", "--seed", "9", "--max-tokens", "30", "--top-k", "20", "--top-p", "0.9", "--temperature", "0.7"];
        foreach (string[] command in (string[][])[["generate", "hello"], ["chat"]])
        {
            var remote = await CrescentProcess.RunAsync([.. command, "--url", url, .. sampling], "hello\n");
            var local = await CrescentProcess.RunAsync([.. command, "--model", models.Chat, .. sampling], "hello\n");
            Assert.Equal(0, remote.ExitCode);
            Assert.Equal(Stable(local.Json), Stable(remote.Json));
        }
    }

    [Fact]
    public async Task Status_counts_what_was_served()
    {
        using var node = CrescentProcess.Start(Serve(models.Chat));
        string url = UrlOf(await ReadyAsync(node));
        await CrescentProcess.RunAsync(["generate", "hello", "--url", url, "--max-tokens", "4", "--seed", "1"]);
        var status = (await CrescentProcess.RunAsync(["status", "--url", url, "--json"])).Json;
        Assert.Equal("ready", status.GetProperty("state").GetString());
        var model = Assert.Single(status.GetProperty("models").EnumerateArray());
        Assert.Equal("chat model", model.GetProperty("id").GetString());
        Assert.Equal(1, model.GetProperty("requests").GetDouble());
        Assert.Equal(4, model.GetProperty("generated_tokens").GetDouble());

        var table = await CrescentProcess.RunAsync(["status", "--url", url + "/v1/"]);
        Assert.Contains("is ready", table.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', table.Output);
    }

    [Fact]
    public async Task A_taken_port_is_named_with_the_option_that_chooses_another()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        string port = $"{((IPEndPoint)taken.LocalEndpoint).Port}";
        foreach (string option in (string[])["--port", "--grpc-port"])
        {
            string other = option == "--port" ? "--grpc-port" : "--port";
            var ended = await CrescentProcess.RunAsync(["serve", "--model", models.Chat, option, port, other, "0"]);
            Assert.Equal(1, ended.ExitCode);
            Assert.Equal($"error: port {port} is already in use; choose another with {option}", Assert.Single(ended.Lines));
        }
    }

    [Fact]
    public async Task Check_ends_after_the_first_request()
    {
        using var node = CrescentProcess.Start(Serve(models.Chat, "--first-request", "hello", "--check", "--api-key", "secret=us"));
        await ReadyAsync(node);
        var answer = JsonDocument.Parse(await node.ReadLineAsync()).RootElement;
        Assert.Equal(5, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(0, (await node.EndAsync()).ExitCode);
    }

    [Fact]
    public async Task Later_questions_about_a_document_find_it_read()
    {
        using var folder = new TemporaryFolder();
        string document = Path.Combine(folder.Path, "document.txt");
        File.WriteAllText(document, new string('a', 300));
        using var node = CrescentProcess.Start(
            Serve(models.Chat, "--first-document", document, "--first-request", "who?", "--first-request", "where?", "--check", "--block-size", "16"));
        await ReadyAsync(node);
        var cold = JsonDocument.Parse(await node.ReadLineAsync()).RootElement.GetProperty("usage");
        var warm = JsonDocument.Parse(await node.ReadLineAsync()).RootElement.GetProperty("usage");
        Assert.Equal(0, (await node.EndAsync()).ExitCode);
        Assert.InRange(cold.GetProperty("prompt_tokens").GetInt32(), 300, 400);
        Assert.Equal(0, cold.GetProperty("cached_tokens").GetInt32());
        Assert.InRange(warm.GetProperty("cached_tokens").GetInt32(), 288, 320);
    }

    [Fact]
    public async Task A_disk_cache_answers_after_a_restart_and_after_being_killed()
    {
        using var folder = new TemporaryFolder();
        await AssertFoundAgainAsync(folder, "--disk-cache", folder["kv"], "--disk-cache-size", "64MiB");
    }

    [RedisFact]
    public async Task A_redis_answers_the_next_node()
    {
        using var folder = new TemporaryFolder();
        using var redis = await RedisServer.StartAsync();
        await AssertFoundAgainAsync(folder, "--redis", redis.Endpoint, "--redis-size", "64MiB", "--kv-codec", "raw");
    }

    /// <summary>Three nodes, one after the other, the second of which is killed: what the first has read the others find.</summary>
    private async Task AssertFoundAgainAsync(TemporaryFolder folder, params string[] tier)
    {
        File.WriteAllText(folder["document.txt"], new string('a', 300));
        string[] arguments = Serve(
            models.Chat, ["--first-document", folder["document.txt"], "--first-request", "who?", "--block-size", "16", .. tier]);
        var cached = new List<int>();
        foreach (bool kill in (bool[])[false, true, false])
        {
            using var node = CrescentProcess.Start([.. arguments, .. kill ? Array.Empty<string>() : ["--check"]]);
            await ReadyAsync(node);
            var answer = JsonDocument.Parse(await node.ReadLineAsync()).RootElement;
            cached.Add(answer.GetProperty("usage").GetProperty("cached_tokens").GetInt32());
            if (kill)
            {
                node.Kill();
            }
            else
            {
                Assert.Equal(0, (await node.EndAsync()).ExitCode);
            }
        }

        Assert.Equal(0, cached[0]);
        Assert.InRange(cached[1], 288, 320);
        Assert.Equal(cached[1], cached[2]);
    }

    [Fact]
    public async Task Requests_need_one_of_the_api_keys()
    {
        using var node = CrescentProcess.Start(Serve(models.Chat, "--api-key", "one", "--api-key", "two=them"));
        string url = UrlOf(await ReadyAsync(node));
        string[] generate = ["generate", "hello", "--max-tokens", "2", "--url", url];
        Assert.Equal(0, (await CrescentProcess.RunAsync([.. generate, "--api-key", "one"])).ExitCode);
        Assert.Equal(0, (await CrescentProcess.RunAsync([.. generate, "--api-key", "two"])).ExitCode);
        var refused = await CrescentProcess.RunAsync([.. generate, "--api-key", "two=them"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Equal("error: The API key is wrong.", Assert.Single(refused.Lines));
    }

    [Fact]
    public async Task The_limits_of_the_gateway_are_options()
    {
        using var node = CrescentProcess.Start(Serve(models.Endless, "--max-body", "1KiB", "--max-requests", "1", "--drain-limit", "0"));
        string url = UrlOf(await ReadyAsync(node));
        var tooLarge = await CrescentProcess.RunAsync(["generate", new string('x', 1100), "--url", url]);
        Assert.Contains("1024", Assert.Single(tooLarge.Lines), StringComparison.Ordinal);
        using var running = CrescentProcess.Start("generate", "hello", "--url", url);
        await running.ReadCharAsync();
        var overloaded = await CrescentProcess.RunAsync(["generate", "hello", "--url", url]);
        Assert.Equal(1, overloaded.ExitCode);
        Assert.Contains("at most 1 requests", Assert.Single(overloaded.Lines), StringComparison.Ordinal);
        node.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, (await node.EndAsync()).ExitCode);
        await running.EndAsync();
    }

    [Fact]
    public async Task Draining_ends_what_runs_after_the_limit()
    {
        using var node = CrescentProcess.Start(Serve(models.Endless, "--drain-limit", "0"));
        string url = UrlOf(await ReadyAsync(node));
        using var client = CrescentProcess.Start("generate", "hello", "--url", url);
        await client.ReadCharAsync();
        node.Signal(PosixSignal.SIGTERM);
        Assert.Equal(0, (await node.EndAsync()).ExitCode);
        var answer = await client.EndAsync();
        Assert.Equal(1, answer.ExitCode);
        Assert.Equal("error: the answer is not complete: drained", answer.Lines[^1]);
    }

    [Fact]
    public async Task A_second_control_C_ends_at_once_with_130()
    {
        using var node = CrescentProcess.Start(Serve(models.Endless, "--drain-limit", "3600"));
        string url = UrlOf(await ReadyAsync(node));
        using var client = CrescentProcess.Start("generate", "hello", "--url", url);
        await client.ReadCharAsync();
        node.Signal(PosixSignal.SIGINT);
        await RefusedAsync(url);
        node.Signal(PosixSignal.SIGINT);
        Assert.Equal(130, (await node.EndAsync()).ExitCode);
    }

    /// <summary>Returns when the node is draining.</summary>
    private static async Task RefusedAsync(string url)
    {
        using var http = new HttpClient();
        while ((await http.GetAsync($"{url}/health/ready")).StatusCode == HttpStatusCode.OK)
        {
            await Task.Yield();
        }
    }

    private static async Task<JsonElement> ReadyAsync(CrescentProcess node) =>
        JsonDocument.Parse(await node.ReadLineAsync()).RootElement;

    private static string UrlOf(JsonElement ready) => ready.GetProperty("http").GetString()!;

    /// <summary>An answer without its timings.</summary>
    private static string Stable(JsonElement answer) =>
        string.Join('\n', answer.EnumerateObject().Where(p => p.Name != "timings").Select(p => $"{p.Name}: {p.Value}"));
}
