using System.Globalization;
using System.Text.RegularExpressions;
using Crescent.Gateway.Auth;
using Crescent.Gateway.Generation;
using Crescent.Gateway.Metrics;
using Crescent.Testing;

namespace Crescent.Gateway.Tests.Metrics;

public sealed partial class MetricsTests
{
    private readonly FakeCluster _cluster = new() { CachedTokens = 2 };

    [Fact]
    public async Task Gauges_are_those_of_the_workers_by_model()
    {
        _cluster.Status = new ClusterStatus { Workers = [Worker("a", 3, 5), Worker("a", 1, 0), Worker("b", 0, 2)] };
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        Dictionary<string, double> samples = await ScrapeAsync(server);

        Assert.Equal(4, samples["crescent_requests_running{model=\"a\"}"]);
        Assert.Equal(2, samples["crescent_requests_waiting{model=\"b\"}"]);
        Assert.Equal(0.25, samples["crescent_kv_cache_usage_ratio{model=\"a\"}"]);
        Assert.Equal(1, samples["crescent_cache_config_info{model=\"a\",block_size=\"64\",num_gpu_blocks=\"80\"}"]);
    }

    [Fact]
    public async Task Tiers_are_told_by_model_tier_and_reason()
    {
        KeyValuePair<string, TierStatus> Tier(string name, long bytes, long hits, long bad) => KeyValuePair.Create(
            name, new TierStatus(1, bytes, 1000, hits, 2, 3, 4, new Dictionary<string, long> { ["record_checksum"] = bad }));
        _cluster.Status = new ClusterStatus
        {
            Workers =
            [
                Worker("a", 0, 0) with { Tiers = [Tier("host", 100, 5, 0), Tier("disk", 300, 7, 1)], PromotedTokens = 64 },
                Worker("a", 0, 0) with { Tiers = [Tier("disk", 30, 70, 2)], PromotedTokens = 128 },
            ],
        };
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        Dictionary<string, double> samples = await ScrapeAsync(server);

        Assert.Equal(100, samples["crescent_kv_tier_bytes{model=\"a\",tier=\"host\"}"]);
        Assert.Equal(330, samples["crescent_kv_tier_bytes{model=\"a\",tier=\"disk\"}"]);
        Assert.Equal(77, samples["crescent_kv_tier_hits_total{model=\"a\",tier=\"disk\"}"]);
        Assert.Equal(3, samples["crescent_kv_tier_failures_total{model=\"a\",tier=\"disk\",reason=\"record_checksum\"}"]);
        Assert.Equal(192, samples["crescent_kv_promoted_tokens_total{model=\"a\"}"]);
    }

    [Fact]
    public async Task A_gauge_of_a_model_that_is_gone_is_not_shown()
    {
        _cluster.Status = new ClusterStatus { Workers = [Worker("a", 3, 5)] };
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        await ScrapeAsync(server);
        _cluster.Status = new ClusterStatus { Workers = [] };

        Assert.DoesNotContain(await ScrapeAsync(server), s => s.Key.StartsWith("crescent_requests_running", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tokens_and_ends_are_counted()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        await server.Get<CompletionPipeline>().Prepare(Request() with { N = 2, MaxTokens = 5 }).CollectAsync();
        Dictionary<string, double> samples = await ScrapeAsync(server);

        Assert.Equal(5, samples["crescent_prompt_tokens_total{model=\"fake/model\"}"]);
        Assert.Equal(2, samples["crescent_cached_prompt_tokens_total{model=\"fake/model\"}"]);
        Assert.Equal(10, samples["crescent_generated_tokens_total{model=\"fake/model\"}"]);
        Assert.Equal(2, samples["crescent_requests_total{model=\"fake/model\",finish_reason=\"length\"}"]);
        Assert.Equal(2, samples["crescent_time_to_first_token_seconds_count{model=\"fake/model\"}"]);
        Assert.Equal(8, samples["crescent_inter_token_latency_seconds_count{model=\"fake/model\"}"]);
        Assert.Equal(2, samples["crescent_e2e_request_latency_seconds_bucket{model=\"fake/model\",le=\"+Inf\"}"]);
    }

    [Fact]
    public async Task Latencies_fall_into_their_buckets()
    {
        var time = new ManualTime();
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster, time: time);
        _cluster.BeforeToken = (_, position) =>
        {
            time.Advance(TimeSpan.FromSeconds(position == 0 ? 3 : 0.02));
            return Task.CompletedTask;
        };
        await server.Get<CompletionPipeline>().Prepare(Request() with { MaxTokens = 2 }).CollectAsync();
        Dictionary<string, double> samples = await ScrapeAsync(server);

        Assert.Equal(0, samples["crescent_time_to_first_token_seconds_bucket{model=\"fake/model\",le=\"2.5\"}"]);
        Assert.Equal(1, samples["crescent_time_to_first_token_seconds_bucket{model=\"fake/model\",le=\"5\"}"]);
        Assert.Equal(0, samples["crescent_inter_token_latency_seconds_bucket{model=\"fake/model\",le=\"0.01\"}"]);
        Assert.Equal(1, samples["crescent_inter_token_latency_seconds_bucket{model=\"fake/model\",le=\"0.025\"}"]);
        Assert.Equal(3.02, samples["crescent_e2e_request_latency_seconds_sum{model=\"fake/model\"}"], 6);
    }

    [Fact]
    public async Task A_cancelled_request_is_counted_as_cancelled()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        await foreach (CompletionDelta delta in server.Get<CompletionPipeline>().Prepare(Request()).RunAsync())
        {
            break;
        }

        Dictionary<string, double> samples = await ScrapeAsync(server);
        Assert.Equal(1, samples["crescent_requests_total{model=\"fake/model\",finish_reason=\"cancelled\"}"]);
    }

    [Fact]
    public async Task Refusals_are_counted_by_reason()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        Assert.Throws<RequestException>(() => server.Get<CompletionPipeline>().Prepare(Request() with { Model = "none" }));

        Assert.Equal(1, (await ScrapeAsync(server))["crescent_requests_refused_total{reason=\"notfound\"}"]);
    }

    [Fact]
    public async Task Metrics_need_a_key_when_there_are_keys()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(options: new GatewayOptions { ApiKeys = [new ApiKey("k")] });
        using HttpResponseMessage response = await server.Client.GetAsync("/metrics");

        Assert.Equal(401, (int)response.StatusCode);
    }

    /// <summary>Reads Prometheus text strictly: every family has HELP and TYPE first, every line is a sample.</summary>
    private static async Task<Dictionary<string, double>> ScrapeAsync(GatewayServer server)
    {
        using HttpResponseMessage response = await server.Client.GetAsync("/metrics");
        Assert.Equal(PrometheusExporter.ContentType, response.Content.Headers.ContentType!.ToString());
        string text = await response.Content.ReadAsStringAsync();
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var samples = new Dictionary<string, double>();
        string? help = null;
        string? family = null;
        foreach (string line in text[..^1].Split('\n'))
        {
            if (line.StartsWith("# HELP ", StringComparison.Ordinal))
            {
                help = line.Split(' ')[2];
            }
            else if (line.StartsWith("# TYPE ", StringComparison.Ordinal))
            {
                family = line.Split(' ')[2];
                Assert.Equal(help, family);
                Assert.Contains(line.Split(' ')[3], new[] { "counter", "gauge", "histogram" });
            }
            else
            {
                Match sample = Sample().Match(line);
                Assert.True(sample.Success, line);
                Assert.StartsWith(family!, sample.Groups["name"].Value, StringComparison.Ordinal);
                samples.Add(sample.Groups["name"].Value + sample.Groups["labels"].Value, double.Parse(sample.Groups["value"].Value, CultureInfo.InvariantCulture));
            }
        }

        return samples;
    }

    private static CompletionRequest Request() => new() { Model = FakeCluster.ModelId, Prompts = [new Prompt.Text("hello")] };

    private static WorkerStatus Worker(string model, int running, int waiting) => new()
    {
        Model = model,
        NumericsId = "fake",
        Draining = false,
        RunningRequests = running,
        WaitingRequests = waiting,
        WaitingTokens = 0,
        BlockSize = 64,
        TotalBlocks = 40,
        FreeBlocks = 20,
        CachedBlocks = 10,
        ActiveBlocks = 10,
        WeightBytes = 0,
        KvBytes = 0,
        PrefixQueriedTokens = 0,
        PrefixHitTokens = 0,
        PrefilledTokens = 0,
        GeneratedTokens = 0,
        Preemptions = 0,
        Steps = 0,
    };

    [GeneratedRegex("""^(?<name>[a-z_][a-z0-9_]*)(?<labels>\{([a-z_]+="([^"\\\n]|\\["\\n])*",?)+\})? (?<value>[-+0-9.E]+)$""")]
    private static partial Regex Sample();
}
