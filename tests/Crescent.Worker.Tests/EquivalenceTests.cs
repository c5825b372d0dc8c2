using Crescent.Backends.Cpu;
using Crescent.Worker.Tests.Support;

namespace Crescent.Worker.Tests;

/// <summary>
/// Invariant 9 through the whole engine: tokens and the bits of their log probabilities are the same alone, in a
/// crowd, with any chunk and thread count, after a preemption, and from the prefix cache.
/// </summary>
public sealed class EquivalenceTests(RandomModelFixture model) : IClassFixture<RandomModelFixture>
{
    private const int OutputTokens = 40;

    public static TheoryData<KernelPath> Paths() => [.. CpuBackend.SupportedPaths];

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task OutputAloneIsOutputInABatchOfSixteen(KernelPath path)
    {
        var requests = Enumerable.Range(0, 16).Select(i => Request(i, promptLength: 5 + (i * 13))).ToArray();
        var alone = new List<Output[]>();
        foreach (var request in requests)
        {
            using var engine = new Engine(Setup(path) with { Threads = 1 });
            alone.Add(await OutputAsync(engine, request));
        }

        using var crowded = new Engine(Setup(path) with { Blocks = 512 });
        var together = await Task.WhenAll(requests.Select(request => OutputAsync(crowded, request)));
        Assert.Equal(alone, together);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task OutputDoesNotDependOnChunksAndThreads(KernelPath path)
    {
        var request = Request(seed: 3, promptLength: 130);
        var outputs = new List<Output[]>();
        foreach (var (budget, threads) in new[] { (512, 1), (1, 2), (7, 3), (64, 2) })
        {
            using var engine = new Engine(Setup(path) with { TokenBudget = budget, MaxSequences = 1, Threads = threads });
            outputs.Add(await OutputAsync(engine, request));
        }

        Assert.All(outputs, output => Assert.Equal(outputs[0], output));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task OutputAfterPreemptionIsOutputWithout(KernelPath path)
    {
        var requests = Enumerable.Range(0, 6).Select(i => Request(i, promptLength: 60)).ToArray();
        var undisturbed = new List<Output[]>();
        foreach (var request in requests)
        {
            using var engine = new Engine(Setup(path));
            undisturbed.Add(await OutputAsync(engine, request));
        }

        // Each request ends with 7 blocks and begins with 4: five fit at first, and none of them to the end.
        var time = new GatedTime();
        using var tight = new Engine(Setup(path) with { Blocks = 24, Time = time });
        var outputs = requests.Select(request => OutputAsync(tight, request with { Deadline = DateTimeOffset.MaxValue })).ToArray();
        time.Open();
        Assert.Equal(undisturbed, await Task.WhenAll(outputs));
        Assert.True(tight.Worker.GetStatus().Preemptions > 0, "nothing was preempted");
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task OutputFromThePrefixCacheIsOutputWithout(KernelPath path)
    {
        using var engine = new Engine(Setup(path));
        var request = Request(seed: 8, promptLength: 100);
        var miss = await engine.RunAsync(request);
        var hit = await engine.RunAsync(request);
        Assert.Equal(0, miss[^1].CachedTokens);
        Assert.Equal(96, hit[^1].CachedTokens);
        Assert.Equal(Outputs(miss), Outputs(hit));
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public async Task TenEqualPromptsThatArriveTogetherAreComputedOnceAndAnsweredAsAlone(KernelPath path)
    {
        var request = Request(seed: 8, promptLength: 100) with { Deadline = DateTimeOffset.MaxValue };
        using var cold = new Engine(Setup(path));
        var alone = await OutputAsync(cold, request);
        var time = new GatedTime();
        using var engine = new Engine(Setup(path) with { Time = time, TokenBudget = 24 });
        var together = Enumerable.Range(0, 10).Select(_ => engine.RunAsync(request)).ToArray();
        time.Open();
        var frames = await Task.WhenAll(together);

        Assert.All(frames, output => Assert.Equal(alone, Outputs(output)));
        Assert.Equal([0, .. Enumerable.Repeat(96, 9)], frames.Select(output => output[^1].CachedTokens).Order());

        // All of the prompt once, and the rest behind its last full block for each; the last row of each samples.
        Assert.Equal(100 + (9 * 4) - 10, engine.Worker.GetStatus().PrefilledTokens);
    }

    [Fact]
    public async Task BlocksOfGeneratedTokensAnswerTheNextTurn()
    {
        using var engine = new Engine(Setup(CpuBackend.SupportedPaths[^1]));
        var first = Request(seed: 4, promptLength: 33);
        int[] generated = await engine.TokensAsync(first);
        int[] turn = [.. first.PromptTokens, .. generated, 5, 6, 7];
        var second = await engine.RunAsync(first with { PromptTokens = turn });
        using var cold = new Engine(Setup(CpuBackend.SupportedPaths[^1]));

        // 33 + 40 tokens, of which the last has no KV: 72 computed, 4 full blocks of 16.
        Assert.Equal(64, second[^1].CachedTokens);
        Assert.Equal(await OutputAsync(cold, first with { PromptTokens = turn }), Outputs(second));
    }

    [Fact]
    public async Task AnotherTenantOrSaltNeverSeesABlock()
    {
        using var engine = new Engine(Setup(CpuBackend.SupportedPaths[^1]));
        var request = Request(seed: 8, promptLength: 100) with { Tenant = "a", CacheSalt = "s" };
        await engine.RunAsync(request);
        foreach (var other in new[] { request with { Tenant = "b" }, request with { CacheSalt = null }, request with { CacheSalt = "t" } })
        {
            Assert.Equal(0, (await engine.RunAsync(other))[^1].CachedTokens);
        }

        Assert.Equal(96, (await engine.RunAsync(request))[^1].CachedTokens);
    }

    [Fact]
    public async Task ResumingOnGeneratedTokensContinuesTheSameOutput()
    {
        var request = Request(seed: 12, promptLength: 20);
        using var engine = new Engine(Setup(CpuBackend.SupportedPaths[^1]));
        var whole = await engine.RunAsync(request);
        int[] tokens = [.. whole.Select(frame => frame.Token!.Value)];
        using var other = new Engine(Setup(CpuBackend.SupportedPaths[^1]));
        var rest = await other.RunAsync(request with { GeneratedTokens = tokens[..15], Attempt = 1 });
        Assert.Equal(Outputs(whole)[15..], Outputs(rest));
        Assert.Equal(Enumerable.Range(15, 25), rest.Where(f => f.Token is not null).Select(f => f.Position));
        Assert.All(rest, frame => Assert.Equal(1, frame.Attempt));
    }

    private EngineSetup Setup(KernelPath path) => new(model.Path) { Path = path, KvType = DType.BF16 };

    /// <summary>Sampled with everything that could depend on its surroundings.</summary>
    private static GenerateRequest Request(int seed, int promptLength) =>
        Engine.Greedy(RandomModelFixture.Prompt(seed, promptLength), OutputTokens) with
        {
            Sampling = new()
            {
                Temperature = 0.9f,
                TopP = 0.95f,
                RepetitionPenalty = 1.1f,
                PresencePenalty = 0.2f,
                FrequencyPenalty = 0.1f,
                Seed = (ulong)seed,
                TopLogprobs = 2,
            },
        };

    private static async Task<Output[]> OutputAsync(Engine engine, GenerateRequest request) => Outputs(await engine.RunAsync(request));

    private static Output[] Outputs(List<TokenFrame> frames) =>
    [
        .. frames.Where(frame => frame.Token is not null).Select(frame =>
            new Output(frame.Token!.Value, BitConverter.SingleToInt32Bits(frame.Logprob!.Value), frame.TopLogprobs[0], frame.TopLogprobs[1])),
    ];

    private sealed record Output(int Token, int LogprobBits, TokenLogprob First, TokenLogprob Second);
}
