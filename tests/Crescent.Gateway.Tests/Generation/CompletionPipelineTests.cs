using Crescent.Gateway.Generation;
using Crescent.Testing;

namespace Crescent.Gateway.Tests.Generation;

public sealed class CompletionPipelineTests
{
    private readonly FakeCluster _cluster = new();

    [Fact]
    public async Task The_texts_of_the_deltas_joined_are_the_text_of_the_result()
    {
        CompletionPipeline pipeline = Pipeline();
        CompletionRequest request = Request() with { Seed = 7, N = 3, MaxTokens = 20 };
        CompletionResult result = await pipeline.Prepare(request).CollectAsync();

        var texts = new string[3];
        await foreach (CompletionDelta delta in pipeline.Prepare(request).RunAsync())
        {
            texts[delta.Choice] += delta.Text;
        }

        Assert.Equal(result.Choices.Select(c => c.Text), texts);
        Assert.Equal(3, texts.Distinct().Count());
        Assert.All(texts, t => Assert.Equal(20, t.Length));
    }

    [Fact]
    public async Task Choice_i_of_n_is_drawn_with_the_same_seed_and_its_index()
    {
        await Pipeline().Prepare(Request() with { Seed = 7, N = 3 }).CollectAsync();

        Assert.All(_cluster.Requests, r => Assert.Equal(7ul, r.Sampling.Seed));
        Assert.Equal([0, 1, 2], _cluster.Requests.Select(r => r.Choice).Order());
        Assert.Equal(3, _cluster.Requests.Select(r => r.Id).Distinct().Count());
    }

    [Fact]
    public async Task Each_of_several_prompts_has_n_choices_in_order()
    {
        CompletionRequest request = Request() with { Prompts = [new Prompt.Text("a"), new Prompt.Tokens([98, 99])], N = 2, Seed = 1, MaxTokens = 4 };
        CompletionResult result = await Pipeline().Prepare(request).CollectAsync();

        Assert.Equal(4, result.Choices.Count);
        Assert.Equal(result.Choices[0].Text, result.Choices[2].Text);
        Assert.Equal(new CompletionUsage(3, 16, 0), result.Usage);
    }

    [Fact]
    public async Task A_request_without_a_seed_is_given_one()
    {
        CompletionPipeline pipeline = Pipeline();

        Assert.NotEqual(pipeline.Prepare(Request()).Seed, pipeline.Prepare(Request()).Seed);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task Every_choice_ends_in_exactly_one_finish_reason_and_says_nothing_after_it()
    {
        _cluster.EndAt = (request, position) => position < 5 ? null : (FinishReason)request.Choice;
        var reasons = new FinishReason?[6];
        await foreach (CompletionDelta delta in Pipeline().Prepare(Request() with { N = 6 }).RunAsync())
        {
            Assert.Null(reasons[delta.Choice]);
            reasons[delta.Choice] = delta.FinishReason;
        }

        Assert.Equal(Enum.GetValues<FinishReason>().Cast<FinishReason?>(), reasons);
    }

    [Fact]
    public async Task A_stop_string_ends_the_workers_stream()
    {
        _cluster.Script = (_, position) => "abcdefgh"[position % 8];
        _cluster.BeforeToken = (_, position) => position < 4 ? Task.CompletedTask : Task.Delay(Timeout.Infinite);

        CompletionResult result = await Pipeline().Prepare(Request() with { Stop = ["cd"] }).CollectAsync();

        Assert.Equal("ab", result.Choices[0].Text);
        Assert.Equal(FinishReason.Stop, result.Choices[0].FinishReason);
        Assert.Equal("cd", result.Choices[0].StopString);
        Assert.Equal(4, result.Usage.CompletionTokens);
        Assert.Equal(0, _cluster.Running);
    }

    [Fact]
    public async Task The_end_of_sequence_token_counts_but_has_no_text()
    {
        CompletionPipeline pipeline = Pipeline();
        _cluster.Says("Hi");
        CompletionResult result = await pipeline.Prepare(Request()).CollectAsync();

        Assert.Equal("Hi", result.Choices[0].Text);
        Assert.Equal(["H"[0], "i"[0]], result.Choices[0].Tokens.Select(t => (char)t.Id));
        Assert.Equal(3, result.Usage.CompletionTokens);
        Assert.Null(result.Choices[0].StopToken);
    }

    [Fact]
    public async Task A_stop_token_of_the_request_is_named()
    {
        _cluster.Says("Hi!");
        CompletionResult result = await Pipeline().Prepare(Request() with { StopTokenIds = ['!'] }).CollectAsync();

        Assert.Equal("Hi", result.Choices[0].Text);
        Assert.Equal('!', result.Choices[0].StopToken);
    }

    [Fact]
    public async Task Ignoring_the_end_of_sequence_leaves_only_the_requests_stop_tokens()
    {
        await Pipeline().Prepare(Request() with { IgnoreEos = true, StopTokenIds = [5], MaxTokens = 1 }).CollectAsync();

        Assert.Equal([5], _cluster.Requests[0].StopTokens);
    }

    [Fact]
    public async Task What_a_request_leaves_out_the_model_decides()
    {
        _cluster.Models = [_cluster.Models[0] with { DefaultSampling = new SamplingParameters { Temperature = 0.6f, TopK = 20 } }];
        var sampling = new SamplingOverrides { TopK = -1, TopP = 0 };
        await Pipeline().Prepare(Request() with { Sampling = sampling, TopLogprobs = 3 }).CollectAsync();

        SamplingParameters resolved = _cluster.Requests[0].Sampling;
        Assert.Equal(0.6f, resolved.Temperature);
        Assert.Equal(0, resolved.TopK);
        Assert.Equal(float.Epsilon, resolved.TopP);
        Assert.Equal(3, resolved.TopLogprobs);
    }

    [Fact]
    public async Task Without_max_tokens_the_rest_of_the_context_is_used()
    {
        CompletionResult result = await Pipeline().Prepare(Request() with { Prompts = [new Prompt.Text("abc")] }).CollectAsync();

        Assert.Equal(509, result.Usage.CompletionTokens);
        Assert.Equal(FinishReason.Length, result.Choices[0].FinishReason);
    }

    [Theory]
    [InlineData(500, 13, "The prompt's 500 tokens and max_tokens 13 together exceed the model's context of 512 tokens; max_tokens can be at most 12.")]
    [InlineData(512, null, "The prompt has 512 tokens, which leaves no room for an answer in the model's context of 512 tokens.")]
    public void What_does_not_fit_the_context_is_refused_with_the_numbers(int prompt, int? maxTokens, string message)
    {
        CompletionRequest request = Request() with { Prompts = [new Prompt.Text(new string('x', prompt))], MaxTokens = maxTokens };
        var refusal = Assert.Throws<RequestException>(() => Pipeline().Prepare(request));

        Assert.Equal(message, refusal.Message);
        Assert.Equal("context_length_exceeded", refusal.Code);
    }

    [Fact]
    public void The_deadline_is_fixed_and_the_earlier_one_holds()
    {
        var time = new ManualTime();
        CompletionPipeline pipeline = Pipeline(new GatewayOptions { MaxRequestTime = TimeSpan.FromMinutes(1) }, time);
        DateTimeOffset limit = time.GetUtcNow().AddMinutes(1);

        Assert.Equal(limit, Deadline(pipeline, null));
        Assert.Equal(limit, Deadline(pipeline, limit.AddHours(1)));
        Assert.Equal(limit.AddSeconds(-1), Deadline(pipeline, limit.AddSeconds(-1)));
    }

    [Fact]
    public async Task Cancelling_ends_every_choice_as_cancelled_and_releases_admission()
    {
        _cluster.BeforeToken = (_, position) => position < 3 ? Task.CompletedTask : Task.Delay(Timeout.Infinite);
        CompletionPipeline pipeline = Pipeline();
        using var cancel = new CancellationTokenSource();
        int ended = 0;
        await foreach (CompletionDelta delta in pipeline.Prepare(Request() with { N = 2 }).RunAsync(cancel.Token))
        {
            Assert.Equal(2, pipeline.Admission.Requests);
            ended += delta.FinishReason == FinishReason.Cancelled ? 1 : 0;
            await cancel.CancelAsync();
        }

        Assert.Equal(2, ended);
        AssertIdle(pipeline);
    }

    [Fact]
    public async Task Abandoning_the_enumeration_releases_admission()
    {
        CompletionPipeline pipeline = Pipeline();
        await foreach (CompletionDelta delta in pipeline.Prepare(Request() with { N = 4 }).RunAsync())
        {
            Assert.True(pipeline.Admission.PromptTokens > 0);
            break;
        }

        AssertIdle(pipeline);
        Assert.Equal(_cluster.Started, _cluster.Ended);
    }

    [Fact]
    public async Task A_reader_that_throws_releases_admission()
    {
        CompletionPipeline pipeline = Pipeline();
        await Assert.ThrowsAsync<InvalidDataException>(async () =>
        {
            await foreach (CompletionDelta delta in pipeline.Prepare(Request()).RunAsync())
            {
                throw new InvalidDataException();
            }
        });

        AssertIdle(pipeline);
    }

    [Fact]
    public async Task A_completion_that_is_never_run_holds_nothing()
    {
        CompletionPipeline pipeline = Pipeline();
        pipeline.Prepare(Request());

        AssertIdle(pipeline);
        await Task.CompletedTask;
    }

    [Fact]
    public async Task The_refusal_of_one_choice_ends_the_others_and_is_thrown()
    {
        _cluster.OnStart = r => _ = r.Choice == 1
            ? throw new RequestException(RefusalKind.Overloaded, "Full.")
            : 0;
        _cluster.BeforeToken = (_, _) => Task.Delay(Timeout.Infinite);
        CompletionPipeline pipeline = Pipeline();

        var refusal = await Assert.ThrowsAsync<RequestException>(() => pipeline.Prepare(Request() with { N = 3 }).CollectAsync());

        Assert.Equal("Full.", refusal.Message);
        AssertIdle(pipeline);
    }

    [Fact]
    public async Task A_worker_that_throws_ends_the_choice_as_an_error_with_the_text_so_far()
    {
        _cluster.Script = (_, position) => position < 2 ? 'a' : throw new InvalidOperationException("bug");
        CompletionPipeline pipeline = Pipeline();
        CompletionChoice choice = (await pipeline.Prepare(Request()).CollectAsync()).Choices[0];

        Assert.Equal("aa", choice.Text);
        Assert.Equal(FinishReason.Error, choice.FinishReason);
        AssertIdle(pipeline);
    }

    [Fact]
    public async Task Prefill_progress_comes_out_before_the_first_token()
    {
        _cluster.PrefillFrames = 4;
        var progress = new List<int>();
        await foreach (CompletionDelta delta in Pipeline().Prepare(Request() with { Prompts = [new Prompt.Text("12345678")], MaxTokens = 1 }).RunAsync())
        {
            progress.Add(delta.PrefilledTokens);
        }

        Assert.Equal([2, 4, 6, 8, 8], progress);
    }

    [Fact]
    public void A_draining_gateway_refuses()
    {
        var lifetime = new GatewayLifetime();
        var pipeline = new CompletionPipeline(_cluster, new GatewayOptions(), lifetime);
        lifetime.StartDraining();

        var refusal = Assert.Throws<RequestException>(() => pipeline.Prepare(Request()));
        Assert.Equal(RefusalKind.Unavailable, refusal.Kind);
        Assert.NotNull(refusal.RetryAfter);
    }

    [Theory]
    [InlineData("temperature", float.NaN)]
    [InlineData("temperature", 2.1f)]
    [InlineData("top_p", -0.1f)]
    [InlineData("min_p", float.PositiveInfinity)]
    [InlineData("repetition_penalty", 0f)]
    [InlineData("repetition_penalty", float.NaN)]
    [InlineData("presence_penalty", -2.1f)]
    [InlineData("frequency_penalty", 3f)]
    [InlineData("logit_bias", float.NaN)]
    public void A_parameter_out_of_range_is_refused_by_name(string name, float value)
    {
        var sampling = new SamplingOverrides
        {
            Temperature = name == "temperature" ? value : null,
            TopP = name == "top_p" ? value : null,
            MinP = name == "min_p" ? value : null,
            RepetitionPenalty = name == "repetition_penalty" ? value : null,
            PresencePenalty = name == "presence_penalty" ? value : null,
            FrequencyPenalty = name == "frequency_penalty" ? value : null,
            LogitBias = name == "logit_bias" ? new Dictionary<int, float> { [1] = value } : null,
        };
        var refusal = Assert.Throws<RequestException>(() => Pipeline().Prepare(Request() with { Sampling = sampling }));

        Assert.Equal(RefusalKind.Invalid, refusal.Kind);
        Assert.Equal(name, refusal.Param);
    }

    private static CompletionRequest Request() => new() { Model = FakeCluster.ModelId, Prompts = [new Prompt.Text("hello")] };

    private static DateTimeOffset? Deadline(CompletionPipeline pipeline, DateTimeOffset? requested) =>
        pipeline.Prepare(Request() with { Deadline = requested }).Deadline;

    private CompletionPipeline Pipeline(GatewayOptions? options = null, TimeProvider? time = null) =>
        new(_cluster, options ?? new GatewayOptions(), time: time);

    private void AssertIdle(CompletionPipeline pipeline)
    {
        Assert.Equal(0, pipeline.Admission.Requests);
        Assert.Equal(0, pipeline.Admission.PromptTokens);
        Assert.Equal(0, _cluster.Running);
    }
}
