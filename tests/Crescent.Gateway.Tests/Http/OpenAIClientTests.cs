using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text;
using OpenAI;
using OpenAI.Chat;
using OpenAI.Models;

namespace Crescent.Gateway.Tests.Http;

/// <summary>What OpenAI's own .NET client makes of the gateway. It has no client for /v1/completions.</summary>
public sealed class OpenAIClientTests
{
    private static readonly OpenAI.Chat.ChatMessage[] Messages = [new SystemChatMessage("Be brief."), new UserChatMessage("Hello")];

    private readonly FakeCluster _cluster = new FakeCluster { CachedTokens = 3 }.Says("Hi there.");

    [Fact]
    public async Task A_whole_answer()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        ChatCompletion answer = await Chat(server).CompleteChatAsync(Messages, new ChatCompletionOptions { Temperature = 0, MaxOutputTokenCount = 50 });

        Assert.Equal("Hi there.", answer.Content.Single().Text);
        Assert.Equal(ChatMessageRole.Assistant, answer.Role);
        Assert.Equal(ChatFinishReason.Stop, answer.FinishReason);
        Assert.Equal(10, answer.Usage.OutputTokenCount);
        Assert.Equal(3, answer.Usage.InputTokenDetails.CachedTokenCount);
    }

    [Fact]
    public async Task A_streamed_answer_with_usage()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        var text = new StringBuilder();
        ChatFinishReason? reason = null;
        ChatTokenUsage? usage = null;
        ChatMessageRole? role = null;
        await foreach (StreamingChatCompletionUpdate update in Chat(server).CompleteChatStreamingAsync(Messages))
        {
            text.Append(string.Concat(update.ContentUpdate.Select(p => p.Text)));
            role ??= update.Role;
            reason ??= update.FinishReason;
            usage ??= update.Usage;
        }

        Assert.Equal("Hi there.", text.ToString());
        Assert.Equal(ChatMessageRole.Assistant, role);
        Assert.Equal(ChatFinishReason.Stop, reason);
        Assert.Equal(10, usage?.OutputTokenCount);
    }

    [Fact]
    public async Task Log_probabilities()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        ChatCompletion answer = await Chat(server).CompleteChatAsync(
            Messages, new ChatCompletionOptions { IncludeLogProbabilities = true, TopLogProbabilityCount = 2 });

        Assert.Equal("Hi there.", string.Concat(answer.ContentTokenLogProbabilities.Select(t => t.Token)));
        Assert.All(answer.ContentTokenLogProbabilities, t => Assert.Equal(2, t.TopLogProbabilities.Count));
    }

    [Fact]
    public async Task Stop_sequences()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        ChatCompletion answer = await Chat(server).CompleteChatAsync(Messages, new ChatCompletionOptions { StopSequences = { "there" } });

        Assert.Equal("Hi ", answer.Content.Single().Text);
    }

    [Fact]
    public async Task A_cancelled_stream_ends_in_the_worker_too()
    {
        _cluster.BeforeToken = (_, position) => position == 0 ? Task.CompletedTask : Task.Delay(Timeout.Infinite);
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (StreamingChatCompletionUpdate update in Chat(server).CompleteChatStreamingAsync(Messages, cancellationToken: cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });

        await Until.TrueAsync(() => _cluster.Running == 0);
    }

    [Theory]
    [InlineData("none", 404, "model_not_found")]
    [InlineData(FakeCluster.ModelId, 400, "context_length_exceeded")]
    public async Task An_error_has_its_status_and_code(string model, int status, string code)
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        var error = await Assert.ThrowsAsync<ClientResultException>(
            () => Chat(server, model).CompleteChatAsync(Messages, new ChatCompletionOptions { MaxOutputTokenCount = 5000 }));

        Assert.Equal(status, error.Status);
        Assert.Contains(code, error.GetRawResponse()!.Content.ToString(), StringComparison.Ordinal);
    }

    /// <summary>This client reads an error event as an update without choices and does not throw.</summary>
    [Fact]
    public async Task A_failed_stream_has_no_finish_reason()
    {
        _cluster.EndAt = (_, position) => position == 2 ? FinishReason.Error : null;
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        var text = new StringBuilder();
        await foreach (StreamingChatCompletionUpdate update in Chat(server).CompleteChatStreamingAsync(Messages))
        {
            Assert.Null(update.FinishReason);
            text.Append(string.Concat(update.ContentUpdate.Select(p => p.Text)));
        }

        Assert.Equal("Hi", text.ToString());
    }

    [Fact]
    public async Task Models()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        OpenAIModelClient client = Client(server).GetOpenAIModelClient();

        Assert.Equal([FakeCluster.ModelId], (await client.GetModelsAsync()).Value.Select(m => m.Id));
        Assert.Equal(FakeCluster.ModelId, (await client.GetModelAsync(FakeCluster.ModelId)).Value.Id);
    }

    private static ChatClient Chat(GatewayServer server, string model = FakeCluster.ModelId) => Client(server).GetChatClient(model);

    private static OpenAIClient Client(GatewayServer server) => new(
        new ApiKeyCredential("none"),
        new OpenAIClientOptions { Endpoint = new Uri(server.Address, "/v1"), RetryPolicy = new ClientRetryPolicy(0) });
}
