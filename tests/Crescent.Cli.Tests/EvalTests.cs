using System.Text.Json;
using Crescent.Cli.Tests.Support;
using Crescent.Testing;

namespace Crescent.Cli.Tests;

public sealed class EvalTests(TinyModels models) : IClassFixture<TinyModels>
{
    private static string[] Eval(params string[] more) =>
        ["eval", "--task", "passkey,facts", "--length", "600", "--documents", "2", "--cases", "6", .. more];

    private static string[] InProcess(params string[] more) => Eval(["--model", Repository.CrescentXs, "--threads", "1", .. more]);

    [Fact]
    public async Task Json_tells_scores_costs_and_every_answer()
    {
        var ended = await CrescentProcess.RunAsync(InProcess("--json"));
        Assert.Equal(0, ended.ExitCode);
        Assert.StartsWith("about ", ended.Lines[0], StringComparison.Ordinal);
        Assert.Equal(1 + 4, ended.Lines.Count);
        Assert.Equal("crescent-xs", ended.Json.GetProperty("model").GetString());
        Assert.Equal(64, ended.Json.GetProperty("suite").GetProperty("model").GetString()!.Length);
        Assert.Equal(["passkey", "facts"], ended.Json.GetProperty("scores").EnumerateArray().Select(score => score.GetProperty("task").GetString()));
        Assert.All(ended.Json.GetProperty("scores").EnumerateArray(), score => Assert.Equal(6, score.GetProperty("cases").GetInt32()));
        Assert.Equal("bf16", ended.Json.GetProperty("variants")[0].GetProperty("kv_type").GetString());
        AssertCases(ended.Json, least: 590);
    }

    [Fact]
    public async Task A_served_model_is_asked_the_same_way()
    {
        using var server = CrescentProcess.Start("serve", "--model", Repository.CrescentXs, "--threads", "1", "--port", "0", "--grpc-port", "0", "--json");
        string url = JsonDocument.Parse(await server.ReadLineAsync()).RootElement.GetProperty("http").GetString()!;
        var ended = await CrescentProcess.RunAsync(Eval("--url", url, "--json"));
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal($"crescent-xs at {url.TrimEnd('/')}", ended.Json.GetProperty("suite").GetProperty("model").GetString());
        AssertCases(ended.Json, least: 540);

        var tooLong = await CrescentProcess.RunAsync(Eval("--url", url, "--length", "2k"));
        Assert.Equal("error: length 2,048 is over the context of 'crescent-xs', 1,024 tokens", Assert.Single(tooLong.Lines));
    }

    /// <summary>Facts of documents that are longer than any text of its training.</summary>
    [Fact]
    public async Task The_bundled_model_recalls()
    {
        string questions = $"{LongProofs.Count(20, 200)}";
        string documents = $"{LongProofs.Count(1, 5)}";
        var ended = await CrescentProcess.RunAsync(
            ["eval", "--task", "passkey,multi-query", "--length", "4k", "--documents", documents, "--cases", questions, "--json"]);
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal("crescent-s", ended.Json.GetProperty("model").GetString());
        Assert.All(ended.Json.GetProperty("scores").EnumerateArray(), score => Assert.InRange(score.GetProperty("mean").GetDouble(), 0.85, 1));
    }

    [Fact]
    public async Task A_folder_keeps_answers_and_gets_the_report()
    {
        using var folder = new TemporaryFolder();
        string[] arguments = InProcess("--out", folder["out"], "--kv-policy", "dense");
        var first = await CrescentProcess.RunAsync(arguments);
        string kept = await File.ReadAllTextAsync(folder["out/results.jsonl"]);
        var again = await CrescentProcess.RunAsync(arguments);

        Assert.Equal(0, first.ExitCode);
        Assert.Equal("all 4 documents are answered already", Assert.Single(again.Lines));
        Assert.Equal(first.Output, again.Output);
        Assert.Equal(kept, await File.ReadAllTextAsync(folder["out/results.jsonl"]));
        Assert.StartsWith("# Recall of crescent-xs", first.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(folder["out/heatmap-dense-bf16.svg"]));

        var other = await CrescentProcess.RunAsync([.. arguments, "--kv-type", "f32"]);
        Assert.Contains("## dense, KV f32 less dense, KV bf16", other.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Measures_look_into_a_model_in_this_process()
    {
        string[] measures = ["eval", "--task", "perplexity,agreement,attention", "--length", "300,600", "--kv-type", "q8_0"];
        var ended = await CrescentProcess.RunAsync([.. measures, "--model", Repository.CrescentXs, "--threads", "1", "--json"]);
        Assert.Equal(0, ended.ExitCode);
        var results = ended.Json.EnumerateArray().ToList();
        Assert.Equal(5, results.Count);
        var rows = results[0].GetProperty("perplexity").GetProperty("rows");
        Assert.InRange(rows[0].GetProperty("nll").GetDouble(), 3, 6);
        Assert.InRange(results[1].GetProperty("agreement").GetProperty("mean_kl").GetDouble(), 1e-9, 0.01);

        var refused = await CrescentProcess.RunAsync([.. measures[..5], "--url", "http://127.0.0.1:9"]);
        Assert.NotEqual(0, refused.ExitCode);
    }

    [Fact]
    public async Task Without_names_all_recall_tasks_are_asked()
    {
        var ended = await CrescentProcess.RunAsync(
            ["eval", "--model", Repository.CrescentXs, "--threads", "1", "--length", "1000", "--documents", "1", "--cases", "2", "--json"]);
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal(
            ["passkey", "key", "multi-key", "multi-value", "multi-query", "variables", "facts"],
            ended.Json.GetProperty("scores").EnumerateArray().Select(score => score.GetProperty("task").GetString()));
    }

    [Fact]
    public async Task A_model_without_a_template_continues_the_text()
    {
        var ended = await CrescentProcess.RunAsync(
            ["eval", "--model", models.Plain, "--threads", "1", "--task", "passkey", "--length", "500", "--documents", "1", "--cases", "1", "--json"]);
        Assert.Equal(0, ended.ExitCode);
        Assert.Single(ended.Json.GetProperty("results").EnumerateArray());
    }

    [Fact]
    public async Task A_length_over_the_context_names_the_limit()
    {
        var ended = await CrescentProcess.RunAsync(InProcess("--length", "4k,600"));
        Assert.Equal(1, ended.ExitCode);
        Assert.Equal("error: length 4,096 is over the context of 'crescent-xs', 1,024 tokens", Assert.Single(ended.Lines));
    }

    [Fact]
    public async Task A_text_that_is_not_there_is_named()
    {
        var ended = await CrescentProcess.RunAsync(InProcess("--text", "/no/such/text"));
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("/no/such/text", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    private static void AssertCases(JsonElement json, int least)
    {
        var results = json.GetProperty("results").EnumerateArray().ToList();
        Assert.Equal(4, results.Count);
        foreach (var cases in results.Select(result => result.GetProperty("cases").EnumerateArray().ToList()))
        {
            Assert.Equal([0, 1, 2], cases.Select(@case => @case.GetProperty("question").GetInt32()));
            Assert.All(cases, @case => Assert.InRange(@case.GetProperty("prompt_tokens").GetInt32(), 1, 600));
            Assert.All(cases.Skip(1), @case => Assert.InRange(@case.GetProperty("cached_tokens").GetInt32(), 448, 576));
            Assert.True(cases.Max(@case => @case.GetProperty("prompt_tokens").GetInt32()) + MaxTokens > least);
        }
    }

    /// <summary>About what an answer may take of the length.</summary>
    private const int MaxTokens = 60;
}
