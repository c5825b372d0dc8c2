using Crescent.Gateway.Auth;
using Crescent.Gateway.Grpc;
using Crescent.Portable.Tests.Grpc;
using Grpc.Core;

namespace Crescent.Gateway.Tests.Grpc;

public class InferenceServiceTests
{
    [Fact]
    public async Task A_stream_is_chunks_and_a_summary()
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster { CachedTokens = 4 }.Says("hey"));
        var request = GrpcServer.Request();
        request.MaxTokens = 100;

        var answer = await server.GenerateAsync(request);

        var responses = GrpcServer.Responses(answer);
        var chunks = responses.SkipLast(1).Select(response => response.Chunk).ToList();
        Assert.Equal("hey", string.Concat(chunks.Select(chunk => chunk.Text)));
        Assert.Equal("hey"u8.ToArray().Select(b => (int)b), chunks.SelectMany(chunk => chunk.Tokens).Select(token => token.Id));
        Assert.Equal(Gateway.Grpc.FinishReason.Stop, chunks[^1].FinishReason);
        var summary = responses[^1].Summary;
        Assert.Equal(new Usage { PromptTokens = 6, CompletionTokens = 4, CachedTokens = 4 }, summary.Usage);
        Assert.Equal((FakeCluster.ModelId, 1ul), (summary.Model, summary.Seed));
        AssertStatus(StatusCode.OK, answer);
    }

    [Fact]
    public async Task Every_field_of_a_request_reaches_the_worker()
    {
        await using var server = await GrpcServer.StartAsync();
        var request = new Gateway.Grpc.GenerateRequest
        {
            Model = FakeCluster.ModelId,
            Input = new Input { Tokens = new TokenIds { Ids = { 5, 6, 7 } } },
            Sampling = new Gateway.Grpc.SamplingParameters
            {
                Temperature = 0.5f,
                TopK = 9,
                TopP = 0.75f,
                MinP = 0.125f,
                RepetitionPenalty = 1.5f,
                PresencePenalty = 0.25f,
                FrequencyPenalty = -0.5f,
                LogitBias = { { 8, 2 } },
            },
            MaxTokens = 4,
            StopTokenIds = { 11 },
            TopLogprobs = 2,
            Seed = ulong.MaxValue,
            IgnoreEos = true,
            Priority = -3,
            CacheSalt = "salt",
        };

        await server.GenerateAsync(request);

        var seen = Assert.Single(server.Cluster.Requests);
        Assert.Equal([5, 6, 7], seen.PromptTokens);
        Assert.Equal([11], seen.StopTokens);
        Assert.Equal((4, -3, "salt"), (seen.MaxTokens, seen.Priority, seen.CacheSalt));
        Assert.Equal([new KeyValuePair<int, float>(8, 2)], seen.Sampling.LogitBias!);
        Assert.Equal(
            new Crescent.SamplingParameters
            {
                Temperature = 0.5f,
                TopK = 9,
                TopP = 0.75f,
                MinP = 0.125f,
                RepetitionPenalty = 1.5f,
                PresencePenalty = 0.25f,
                FrequencyPenalty = -0.5f,
                Seed = ulong.MaxValue,
                TopLogprobs = 2,
            },
            seen.Sampling with { LogitBias = null });
    }

    [Fact]
    public async Task A_conversation_is_rendered_by_the_models_template()
    {
        await using var server = await GrpcServer.StartAsync();
        var request = GrpcServer.Request();
        request.Input = new Input
        {
            Conversation = new Conversation { Messages = { new Message { Role = "user", Content = "hi" } } },
        };

        await server.GenerateAsync(request);

        var prompt = ((ByteTokenizer)server.Cluster.Models[0].Tokenizer).Decode(Assert.Single(server.Cluster.Requests).PromptTokens);
        Assert.Contains("<|im_start|>user\nhi<|im_end|>", prompt);
    }

    [Fact]
    public async Task Logprobs_come_with_their_tokens()
    {
        await using var server = await GrpcServer.StartAsync();
        var request = GrpcServer.Request();
        request.TopLogprobs = 2;

        var answer = await server.GenerateAsync(request);

        var tokens = GrpcServer.Responses(answer).SkipLast(1).SelectMany(response => response.Chunk.Tokens).ToList();
        Assert.Equal(3, tokens.Count);
        Assert.All(tokens, token => Assert.Equal(-0.5f, token.Logprob));
        Assert.All(tokens, token => Assert.Equal(
            [(token.Id, -0.5f), (token.Id + 1, -1.5f)],
            token.TopLogprobs.Select(top => (top.Id, top.Logprob))));
    }

    [Theory]
    [InlineData(RefusalKind.Invalid, StatusCode.InvalidArgument)]
    [InlineData(RefusalKind.Unauthenticated, StatusCode.Unauthenticated)]
    [InlineData(RefusalKind.NotFound, StatusCode.NotFound)]
    [InlineData(RefusalKind.TooLarge, StatusCode.ResourceExhausted)]
    [InlineData(RefusalKind.Overloaded, StatusCode.ResourceExhausted)]
    [InlineData(RefusalKind.Unavailable, StatusCode.Unavailable)]
    public async Task Each_kind_of_refusal_has_its_status(RefusalKind kind, StatusCode status)
    {
        var refusal = new RequestException(kind, "No: 100 % full.", "field", "code") { RetryAfter = TimeSpan.FromSeconds(1.5) };
        await using var server = await GrpcServer.StartAsync(new FakeCluster { OnStart = _ => throw refusal });

        var answer = await server.GenerateAsync(GrpcServer.Request());

        AssertStatus(status, answer);
        Assert.Equal("No: 100 %25 full.", answer.Find("grpc-message"));
        Assert.Equal(("field", "code", "2"), (answer.Find("error-param"), answer.Find("error-code"), answer.Find("retry-after")));
    }

    [Theory]
    [InlineData(Crescent.FinishReason.Cancelled, StatusCode.Cancelled)]
    [InlineData(Crescent.FinishReason.Deadline, StatusCode.DeadlineExceeded)]
    [InlineData(Crescent.FinishReason.Drained, StatusCode.Unavailable)]
    [InlineData(Crescent.FinishReason.Error, StatusCode.Internal)]
    public async Task An_untimely_end_is_told_by_chunk_and_by_status(Crescent.FinishReason reason, StatusCode status)
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster
        {
            EndAt = (_, position) => position == 2 ? reason : null,
        });

        var answer = await server.GenerateAsync(GrpcServer.Request());

        var responses = GrpcServer.Responses(answer);
        Assert.Equal(2, responses.SkipLast(1).Sum(response => response.Chunk.Tokens.Count));
        Assert.Equal(reason.ToString(), responses[^2].Chunk.FinishReason.ToString());
        Assert.Equal(2, responses[^1].Summary.Usage.CompletionTokens);
        AssertStatus(status, answer);
    }

    [Fact]
    public async Task Of_several_choices_the_gravest_end_gives_the_status()
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster
        {
            EndAt = (request, position) => (request.Choice, position) switch
            {
                (0, 1) => Crescent.FinishReason.Error,
                (1, 1) => Crescent.FinishReason.Drained,
                _ => null,
            },
        });
        var request = GrpcServer.Request();
        request.N = 3;

        var answer = await server.GenerateAsync(request);

        AssertStatus(StatusCode.Internal, answer);
        Assert.Equal("The device is gone.", answer.Find("grpc-message"));
        var ends = GrpcServer.Responses(answer).SkipLast(1).Select(response => response.Chunk)
            .Where(chunk => chunk.FinishReason != Gateway.Grpc.FinishReason.Unspecified)
            .OrderBy(chunk => chunk.Choice).Select(chunk => chunk.FinishReason.ToString());
        Assert.Equal(["Error", "Drained", "Length"], ends);
    }

    [Fact]
    public async Task A_calls_deadline_is_the_requests()
    {
        await using var server = await GrpcServer.StartAsync();
        var before = DateTimeOffset.UtcNow;

        await server.GenerateAsync(GrpcServer.Request(), ("grpc-timeout", "100S"));

        var deadline = Assert.Single(server.Cluster.Requests).Deadline!.Value;
        Assert.InRange(deadline, before.AddSeconds(99), DateTimeOffset.UtcNow.AddSeconds(101));
    }

    [Fact]
    public async Task A_deadline_ends_the_call_and_the_generation()
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster
        {
            BeforeToken = (_, position) => position == 0 ? Task.CompletedTask : Task.Delay(Timeout.Infinite),
        });

        var answer = await server.GenerateAsync(GrpcServer.Request(), ("grpc-timeout", "300m"));

        AssertStatus(StatusCode.DeadlineExceeded, answer);
        await Until.TrueAsync(() => server.Cluster.Running == 0);
    }

    [Fact]
    public async Task A_client_that_goes_away_ends_the_generation()
    {
        await using var server = await GrpcServer.StartAsync(new FakeCluster
        {
            BeforeToken = (_, position) => position == 0 ? Task.CompletedTask : Task.Delay(Timeout.Infinite),
        });
        var response = await server.Client.SendAsync(
            GrpcServer.Service + "Generate",
            new ByteArrayContent(RawGrpcClient.Frame(GrpcServer.Request())),
            CancellationToken.None);
        Assert.Equal(1, server.Cluster.Running);

        response.Dispose();

        await Until.TrueAsync(() => server.Cluster.Running == 0);
    }

    [Theory]
    [InlineData("Generate")]
    [InlineData("CountTokens")]
    [InlineData("ListModels")]
    [InlineData("GetStatus")]
    public async Task Every_method_needs_the_key_where_there_are_keys(string method)
    {
        await using var server = await GrpcServer.StartAsync(options: new GatewayOptions { ApiKeys = [new ApiKey("key")] });

        var without = await server.Client.CallAsync(GrpcServer.Service + method, GrpcServer.Request());
        var wrong = await server.Client.CallAsync(GrpcServer.Service + method, GrpcServer.Request(), ("authorization", "Bearer kez"));

        AssertStatus(StatusCode.Unauthenticated, without);
        AssertStatus(StatusCode.Unauthenticated, wrong);
    }

    [Fact]
    public async Task A_request_belongs_to_the_keys_tenant()
    {
        await using var server = await GrpcServer.StartAsync(options: new GatewayOptions { ApiKeys = [new ApiKey("key", "owner")] });

        var answer = await server.GenerateAsync(GrpcServer.Request(), ("authorization", "Bearer key"));

        AssertStatus(StatusCode.OK, answer);
        Assert.Equal("owner", Assert.Single(server.Cluster.Requests).Tenant);
    }

    [Fact]
    public async Task A_request_without_input_is_invalid()
    {
        await using var server = await GrpcServer.StartAsync();
        var request = GrpcServer.Request();
        request.Input = null;

        var answer = await server.GenerateAsync(request);

        AssertStatus(StatusCode.InvalidArgument, answer);
        Assert.Equal("input", answer.Find("error-param"));
    }

    [Fact]
    public async Task The_size_limit_is_that_of_http_bodies()
    {
        await using var server = await GrpcServer.StartAsync(options: new GatewayOptions { MaxBodyBytes = 1000 });
        var request = GrpcServer.Request();
        request.Input.Text = new string('x', 1000);

        var answer = await server.GenerateAsync(request);

        AssertStatus(StatusCode.ResourceExhausted, answer);
    }

    [Fact]
    public async Task Tokens_are_counted_as_they_are_prompted()
    {
        await using var server = await GrpcServer.StartAsync();

        var answer = await server.Client.CallAsync(
            GrpcServer.Service + "CountTokens",
            new CountTokensRequest { Model = FakeCluster.ModelId, Input = new Input { Text = "twelve bytes" } });

        Assert.Equal(12, CountTokensResponse.Parser.ParseFrom(Assert.Single(answer.Messages)).Count);
    }

    [Fact]
    public async Task Models_are_listed_with_their_context()
    {
        await using var server = await GrpcServer.StartAsync();

        var answer = await server.Client.CallAsync(GrpcServer.Service + "ListModels", new ListModelsRequest());

        var model = Assert.Single(ListModelsResponse.Parser.ParseFrom(Assert.Single(answer.Messages)).Models);
        Assert.Equal(new Model { Id = FakeCluster.ModelId, Created = 86_400, ContextLength = 512 }, model);
    }

    [Fact]
    public async Task Status_shows_every_property_of_a_worker()
    {
        var worker = new WorkerStatus
        {
            Model = "model",
            NumericsId = "numerics",
            Draining = true,
            RunningRequests = 1,
            WaitingRequests = 2,
            WaitingTokens = 3,
            BlockSize = 4,
            TotalBlocks = 5,
            FreeBlocks = 6,
            CachedBlocks = 7,
            ActiveBlocks = 8,
            WeightBytes = 9,
            KvBytes = 10,
            PrefixQueriedTokens = 11,
            PrefixHitTokens = 12,
            PrefilledTokens = 13,
            GeneratedTokens = 14,
            Preemptions = 15,
            Steps = 16,
            OffloadedTokens = 17,
            PromotedTokens = 18,
            Tiers = [KeyValuePair.Create("disk", new TierStatus(1, 2, 3, 4, 5, 6, 7, new Dictionary<string, long> { ["full"] = 8 }))],
        };
        await using var server = await GrpcServer.StartAsync(new FakeCluster { Status = new ClusterStatus { Workers = [worker] } });
        server.Lifetime.StartDraining();

        var answer = await server.Client.CallAsync(GrpcServer.Service + "GetStatus", new GetStatusRequest());

        var status = GetStatusResponse.Parser.ParseFrom(Assert.Single(answer.Messages));
        Assert.True(status.Draining);
        var shown = Assert.Single(status.Workers);
        AssertSame(worker, shown, except: nameof(WorkerStatus.Tiers));
        var tier = Assert.Single(shown.Tiers);
        Assert.Equal("disk", tier.Name);
        AssertSame(worker.Tiers[0].Value, tier, except: nameof(TierStatus.Failures));
        Assert.Equal(8, tier.Failures["full"]);
    }

    private static void AssertSame(object expected, object shown, string except) =>
        Assert.All(expected.GetType().GetProperties().Where(property => property.Name != except), property => Assert.Equal(
            property.GetValue(expected)!.ToString(), shown.GetType().GetProperty(property.Name)?.GetValue(shown)!.ToString()));

    private static void AssertStatus(StatusCode expected, RawAnswer answer) =>
        Assert.Equal(((int)expected).ToString(), answer.Status);
}
