using System.Runtime.InteropServices;
using Crescent.Cli.Tests.Support;
using Crescent.Testing;

namespace Crescent.Cli.Tests;

public sealed class GenerateTests(TinyModels models) : IClassFixture<TinyModels>
{
    private string[] Generate(params string[] more) => GenerateUpTo(40, more);

    private string[] GenerateUpTo(int tokens, params string[] more) =>
        ["generate", "--model", models.Plain, "--max-tokens", $"{tokens}", "--threads", "1", .. more];

    [Fact]
    public async Task The_same_seed_gives_the_same_text()
    {
        var first = await CrescentProcess.RunAsync(Generate("hello", "--json", "--seed", "5"));
        var second = await CrescentProcess.RunAsync(Generate("hello", "--json", "--seed", "5"));
        var other = await CrescentProcess.RunAsync(Generate("hello", "--json", "--seed", "6"));
        Assert.Equal(0, first.ExitCode);
        Assert.Equal(first.Json.GetProperty("text").GetString(), second.Json.GetProperty("text").GetString());
        Assert.NotEqual(first.Json.GetProperty("text").GetString(), other.Json.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Json_tells_text_reason_usage_and_timings()
    {
        var ended = await CrescentProcess.RunAsync(GenerateUpTo(3, "hello", "--json", "--seed", "5"));
        var json = ended.Json;
        Assert.Equal("plain", json.GetProperty("model").GetString());
        Assert.Equal("length", json.GetProperty("finish_reason").GetString());
        Assert.Equal(5, json.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
        Assert.Equal(3, json.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.True(json.GetProperty("timings").GetProperty("total_ms").GetDouble() > 0);
        Assert.Empty(ended.Lines);
    }

    [Fact]
    public async Task Text_goes_to_standard_output_and_the_rate_to_standard_error()
    {
        string[] arguments = Generate("hello", "--seed", "5");
        var plain = await CrescentProcess.RunAsync(arguments);
        var json = await CrescentProcess.RunAsync([.. arguments, "--json"]);
        Assert.Equal(json.Json.GetProperty("text").GetString(), plain.Output[..^1]);
        Assert.Contains("tokens/s", Assert.Single(plain.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dash_reads_the_prompt_from_standard_input()
    {
        var named = await CrescentProcess.RunAsync(Generate("two\nlines", "--seed", "1"));
        var piped = await CrescentProcess.RunAsync(Generate("-", "--seed", "1"), "two\nlines");
        Assert.Equal(named.Output, piped.Output);
    }

    [Fact]
    public async Task A_prompt_may_begin_with_an_at_sign()
    {
        var ended = await CrescentProcess.RunAsync(Generate("@home", "--seed", "1"));
        Assert.Equal(0, ended.ExitCode);
    }

    [Fact]
    public async Task Stop_strings_end_the_text_before_them()
    {
        var whole = await CrescentProcess.RunAsync(Generate("hello", "--json", "--seed", "5"));
        string text = whole.Json.GetProperty("text").GetString()!;
        string stop = text.Substring(10, 2);
        var cut = await CrescentProcess.RunAsync(Generate("hello", "--json", "--seed", "5", "--stop", "never seen", "--stop", stop));
        Assert.Equal("stop", cut.Json.GetProperty("finish_reason").GetString());
        Assert.Equal(text[..text.IndexOf(stop, StringComparison.Ordinal)], cut.Json.GetProperty("text").GetString());
    }

    [Fact]
    public async Task Control_C_ends_the_answer_with_130()
    {
        using var process = CrescentProcess.Start("generate", "hello", "--model", models.Endless, "--threads", "1");
        await process.ReadCharAsync();
        process.Signal(PosixSignal.SIGINT);
        var ended = await process.EndAsync();
        Assert.Equal(130, ended.ExitCode);
        Assert.EndsWith("cancelled", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    [SharedModelFact]
    public async Task A_trained_model_continues_a_story()
    {
        var ended = await CrescentProcess.RunAsync(
            ["generate", "Once upon a time", "--model", SharedModels.PathOf(SharedModels.Stories260K), "--temperature", "0", "--max-tokens", "12"]);
        Assert.StartsWith(", there was a little girl named", ended.Output, StringComparison.Ordinal);
    }
}
