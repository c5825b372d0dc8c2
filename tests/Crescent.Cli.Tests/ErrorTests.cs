using Crescent.Cli.Tests.Support;

namespace Crescent.Cli.Tests;

/// <summary>Every expected failure is one line on standard error and an exit code.</summary>
public sealed class ErrorTests(TinyModels models) : IClassFixture<TinyModels>
{
    [Theory]
    [InlineData("unknown command or argument 'fly'", "fly")]
    [InlineData("unknown command or argument 'b'", "generate", "a", "b")]
    [InlineData("Required argument missing", "generate")]
    [InlineData("--device-cache needs a size such as 512MiB or 2GiB, not '2Gibber'", "generate", "a", "--device-cache", "2Gibber")]
    [InlineData("--threads needs a number from 1 to 1024, not '0'", "serve", "--threads", "0")]
    [InlineData("--temperature needs a number from 0 to 2, not 'nan'", "chat", "--temperature", "nan")]
    [InlineData("--kv-type needs bf16, f32 or q8_0, not 'f64'", "serve", "--kv-type", "f64")]
    [InlineData("--port needs a number from 0 to 65535, not '70000'", "serve", "--port", "70000")]
    [InlineData("--port and --grpc-port are both 9000", "serve", "--port", "9000", "--grpc-port", "9000")]
    [InlineData("--block-size needs a power of two, not '48'", "serve", "--block-size", "48")]
    [InlineData("--token-budget (8) must be at least --max-sequences (64)", "serve", "--token-budget", "8")]
    [InlineData("--url needs a URL such as http://127.0.0.1:8080, not 'localhost'", "status", "--url", "localhost")]
    [InlineData("--model is for a model in this process and cannot go with --url", "generate", "a", "--url", "http://x", "--model", "m")]
    [InlineData("--name needs --url", "chat", "--name", "n")]
    [InlineData("--task needs passkey, key, multi-key, multi-value, multi-query, variables, facts, perplexity, agreement, attention or all, not 'fly'", "eval", "--task", "key,fly")]
    [InlineData("--length needs numbers of tokens such as 4096 or 4k, from 128 to 16777216, not '4M'", "eval", "--length", "16k,4M")]
    [InlineData("--kv-policy needs dense, not 'window'", "eval", "--kv-policy", "window")]
    [InlineData("--cases (7) must be a multiple of --documents (5)", "eval", "--cases", "7")]
    public async Task A_wrong_command_line_ends_with_2(string message, params string[] arguments)
    {
        var ended = await CrescentProcess.RunAsync(arguments);
        Assert.Equal(2, ended.ExitCode);
        Assert.StartsWith($"error: {message}", Assert.Single(ended.Lines), StringComparison.Ordinal);
        Assert.Empty(ended.Output);
    }

    [Theory]
    [InlineData("generate", "a")]
    [InlineData("serve", "--port", "0", "--grpc-port", "0")]
    public async Task A_missing_model_is_named(params string[] arguments)
    {
        var ended = await CrescentProcess.RunAsync([.. arguments, "--model", "/no/such/model"]);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("/no/such/model", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broken_tokenizer_is_named()
    {
        using var folder = new Testing.TemporaryFolder();
        ChatModel.Write(folder["model"]);
        File.WriteAllText(Path.Combine(folder["model"], "tokenizer.json"), "{");
        var ended = await CrescentProcess.RunAsync(["generate", "a", "--model", folder["model"]]);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("tokenizer.json", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_cache_that_holds_no_block_is_a_usage_error()
    {
        var ended = await CrescentProcess.RunAsync(["generate", "a", "--model", models.Plain, "--device-cache", "10"]);
        Assert.Equal(2, ended.ExitCode);
        Assert.Contains("smaller than one block", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prompt_over_the_context_is_refused_with_the_limit()
    {
        var ended = await CrescentProcess.RunAsync(["generate", "-", "--model", models.Plain], new string('a', 600));
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("512 tokens", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_not_there_is_named()
    {
        // Port 9 (discard) is served nowhere that tests run.
        foreach (string[] arguments in (string[][])[["status"], ["generate", "a"], ["chat"]])
        {
            var ended = await CrescentProcess.RunAsync([.. arguments, "--url", "http://127.0.0.1:9"], "hello\n");
            Assert.Equal(1, ended.ExitCode);
            Assert.StartsWith("error: cannot reach http://127.0.0.1:9: ", Assert.Single(ended.Lines), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Chat_needs_a_chat_template()
    {
        var ended = await CrescentProcess.RunAsync(["chat", "--model", models.Plain], "hello\n");
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("has no chat template", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }
}
