using System.Text.Json;
using Crescent.Cli.Tests.Support;

namespace Crescent.Cli.Tests;

public sealed class ChatTests(TinyModels models) : IClassFixture<TinyModels>
{
    private string[] Chat(params string[] more) =>
        ["chat", "--model", models.Chat, "--max-tokens", "8", "--seed", "3", "--threads", "1", .. more];

    [Fact]
    public async Task Every_line_gets_one_answer()
    {
        var ended = await CrescentProcess.RunAsync(Chat("--json"), "hello\n\nand you?\n");
        Assert.Equal(0, ended.ExitCode);
        Assert.Equal(2, PromptTokens(ended).Length);
    }

    [Fact]
    public async Task A_question_comes_after_what_was_said_before()
    {
        int[] tokens = PromptTokens(await CrescentProcess.RunAsync(Chat("--json"), "hello\nhello\n"));
        Assert.True(tokens[1] > tokens[0]);
    }

    [Fact]
    public async Task Reset_forgets_all_but_the_system_prompt()
    {
        int[] tokens = PromptTokens(await CrescentProcess.RunAsync(Chat("--json", "--system", "Be kind."), "hello\n/reset\nhello\n"));
        int[] without = PromptTokens(await CrescentProcess.RunAsync(Chat("--json"), "hello\n"));
        Assert.Equal(tokens[0], tokens[1]);
        Assert.True(tokens[0] > without[0]);
    }

    [Fact]
    public async Task Exit_ends_the_conversation()
    {
        var ended = await CrescentProcess.RunAsync(Chat("--json"), "hello\n/exit\nhello\n");
        Assert.Equal(0, ended.ExitCode);
        Assert.Single(PromptTokens(ended));
    }

    [Fact]
    public async Task A_conversation_over_the_context_ends_with_an_error()
    {
        var ended = await CrescentProcess.RunAsync(Chat(), new string('a', 600) + "\nhello\n");
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("512 tokens", Assert.Single(ended.Lines), StringComparison.Ordinal);
    }

    private static int[] PromptTokens(Ended ended) =>
        [.. ended.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonDocument.Parse(line).RootElement.GetProperty("usage").GetProperty("prompt_tokens").GetInt32())];
}
