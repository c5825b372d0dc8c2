using Crescent.Worker.Tests.Support;

namespace Crescent.Worker.Tests;

public sealed class InferenceWorkerTests(RandomModelFixture model) : IClassFixture<RandomModelFixture>
{
    private EngineSetup Setup => new(model.Path);

    [Fact]
    public async Task TheLastFrameAndOnlyTheLastHasAFinishReason()
    {
        using var engine = new Engine(Setup);
        var frames = await engine.RunAsync(Engine.Greedy([1, 2, 3], 10));
        Assert.Equal(FinishReason.Length, frames[^1].FinishReason);
        Assert.All(frames[..^1], frame => Assert.Null(frame.FinishReason));
        Assert.Equal(Enumerable.Range(0, 10), frames.Select(frame => frame.Position));
    }

    [Fact]
    public async Task AStopTokenIsDeliveredAndEndsTheGeneration()
    {
        using var engine = new Engine(Setup);
        int[] tokens = await engine.TokensAsync(Engine.Greedy([1, 2, 3], 10));
        int stop = tokens[4];
        var frames = await engine.RunAsync(Engine.Greedy([1, 2, 3], 10) with { StopTokens = new HashSet<int> { stop } });
        Assert.Equal(stop, frames[^1].Token);
        Assert.Equal(FinishReason.Stop, frames[^1].FinishReason);
        Assert.Equal(Array.IndexOf(tokens, stop) + 1, frames.Count);
    }

    [Fact]
    public async Task ALongPrefillReportsProgress()
    {
        using var engine = new Engine(Setup with { TokenBudget = 16 });
        var frames = await engine.RunAsync(Engine.Greedy(RandomModelFixture.Prompt(1, 50), 1));
        Assert.Equal([16, 32, 48, 50], frames.Select(frame => frame.PrefilledTokens));
    }

    [Fact]
    public async Task CancellingEndsTheStreamAndFreesItsBlocks()
    {
        using var engine = new Engine(Setup);
        using var cancel = new CancellationTokenSource();
        var reasons = new List<FinishReason?>();
        await foreach (var frame in engine.Worker.GenerateAsync(Engine.Greedy([1, 2, 3], 900), cancel.Token))
        {
            reasons.Add(frame.FinishReason);
            await cancel.CancelAsync();
        }

        Assert.Equal(FinishReason.Cancelled, reasons[^1]);
        Assert.True(reasons.Count < 900);
        await AssertNothingActiveAsync(engine);
    }

    [Fact]
    public async Task AReaderThatGoesAwayFreesItsBlocks()
    {
        using var engine = new Engine(Setup);
        await foreach (var frame in engine.Worker.GenerateAsync(Engine.Greedy([1, 2, 3], 900), default))
        {
            Assert.Null(frame.FinishReason);
            break;
        }

        await AssertNothingActiveAsync(engine);
    }

    [Fact]
    public async Task CancellingBeforeTheFirstStepEndsTheStream()
    {
        using var engine = new Engine(Setup);
        var frames = await engine.RunAsync(Engine.Greedy([1, 2, 3], 900), new CancellationToken(canceled: true));
        Assert.Equal(FinishReason.Cancelled, frames[^1].FinishReason);
    }

    [Fact]
    public async Task APassedDeadlineEndsTheStream()
    {
        using var engine = new Engine(Setup);
        var request = Engine.Greedy([1, 2, 3], 900) with { Deadline = DateTimeOffset.UtcNow.AddSeconds(-1) };
        Assert.Equal(FinishReason.Deadline, (await engine.RunAsync(request))[^1].FinishReason);
    }

    [Fact]
    public async Task DrainingRefusesNewRequestsAndLetsRunningOnesFinish()
    {
        using var engine = new Engine(Setup);
        var running = engine.RunAsync(Engine.Greedy([1, 2, 3], 200));
        await engine.Worker.DrainAsync(CancellationToken.None);
        Assert.Equal(FinishReason.Length, (await running)[^1].FinishReason);
        var refusal = await Assert.ThrowsAsync<RequestException>(() => engine.RunAsync(Engine.Greedy([1], 1)));
        Assert.Equal(RefusalKind.Unavailable, refusal.Kind);
    }

    [Fact]
    public async Task DrainingPastItsLimitEndsRunningRequestsAsDrained()
    {
        using var engine = new Engine(Setup);
        var running = engine.RunAsync(Engine.Greedy([1, 2, 3], 1000));
        await engine.Worker.DrainAsync(new CancellationToken(canceled: true));
        Assert.Equal(FinishReason.Drained, (await running)[^1].FinishReason);
    }

    [Fact]
    public async Task DisposingEndsEveryStream()
    {
        var engine = new Engine(Setup);
        var running = Enumerable.Range(0, 20).Select(i => engine.RunAsync(Engine.Greedy([1, 2, i], 900))).ToArray();
        engine.Dispose();
        Assert.All(await Task.WhenAll(running), frames => Assert.Equal(FinishReason.Drained, frames[^1].FinishReason));
    }

    [Fact]
    public async Task APromptThatFitsTheCacheOnlyAloneWaitsForTheOthers()
    {
        using var engine = new Engine(Setup with { Blocks = 20 });
        var small = engine.RunAsync(Engine.Greedy(RandomModelFixture.Prompt(1, 100), 60));
        var large = engine.RunAsync(Engine.Greedy(RandomModelFixture.Prompt(2, 300), 20));
        Assert.Equal(FinishReason.Length, (await small)[^1].FinishReason);
        Assert.Equal(FinishReason.Length, (await large)[^1].FinishReason);
    }

    [Theory]
    [InlineData(0, 5, "no tokens")]
    [InlineData(5, 0, "max_tokens")]
    [InlineData(900, 200, "exceed the 1024 tokens")]
    public async Task ARequestThatCannotRunIsRefusedByName(int prompt, int maxTokens, string message)
    {
        using var engine = new Engine(Setup);
        var request = Engine.Greedy(RandomModelFixture.Prompt(1, prompt), maxTokens);
        var refusal = await Assert.ThrowsAsync<RequestException>(() => engine.RunAsync(request));
        Assert.Contains(message, refusal.Message, StringComparison.Ordinal);
        Assert.Equal(FinishReason.Length, (await engine.RunAsync(Engine.Greedy([1], 1)))[^1].FinishReason);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(96)]
    public async Task ATokenOutsideTheVocabularyIsRefused(int token)
    {
        using var engine = new Engine(Setup);
        await Assert.ThrowsAsync<RequestException>(() => engine.RunAsync(Engine.Greedy([token], 1)));
        await Assert.ThrowsAsync<RequestException>(() => engine.RunAsync(
            Engine.Greedy([1], 1) with { Sampling = new() { LogitBias = new Dictionary<int, float> { [token] = 1 } } }));
    }

    [Fact]
    public async Task ManyStreamsWithRandomCancellationsLeakNothing()
    {
        bool thorough = Environment.GetEnvironmentVariable("CRESCENT_LONG") == "1";
        using var engine = new Engine(Setup with { Blocks = 40 });
        var random = new Random(17);
        var plans = Enumerable.Range(0, thorough ? 5_000 : 300)
            .Select(i => (Prompt: RandomModelFixture.Prompt(i % 7, random.Next(1, 200)), Max: random.Next(1, 60), CancelAfter: random.Next(3) == 0 ? random.Next(30) : -1))
            .ToArray();
        using var limit = new SemaphoreSlim(64);
        var reasons = await Task.WhenAll(plans.Select(async plan =>
        {
            await limit.WaitAsync();
            try
            {
                return await RunAsync(engine, plan.Prompt, plan.Max, plan.CancelAfter);
            }
            finally
            {
                limit.Release();
            }
        }));
        Assert.All(reasons, reason => Assert.Contains(reason, new[] { FinishReason.Length, FinishReason.Cancelled }));
        await AssertNothingActiveAsync(engine);
    }

    private static async Task<FinishReason> RunAsync(Engine engine, int[] prompt, int maxTokens, int cancelAfter)
    {
        using var cancel = new CancellationTokenSource();
        var reasons = new List<FinishReason>();
        int frames = 0;
        await foreach (var frame in engine.Worker.GenerateAsync(Engine.Greedy(prompt, maxTokens), cancel.Token))
        {
            if (frame.FinishReason is { } reason)
            {
                reasons.Add(reason);
            }

            if (++frames == cancelAfter)
            {
                await cancel.CancelAsync();
            }
        }

        return Assert.Single(reasons);
    }

    private static async Task AssertNothingActiveAsync(Engine engine)
    {
        await engine.Worker.CheckIntegrityAsync();
        Assert.Equal(0, engine.Cache.ActiveBlocks);
        Assert.Equal(engine.Cache.TotalBlocks, engine.Cache.FreeBlocks + engine.Cache.CachedBlocks);
    }
}
