using Crescent.KvCache.Codecs;
using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;
using Crescent.KvCache.Tiers.Host;
using Crescent.Testing;
using Crescent.Worker.Tests.Support;

namespace Crescent.Worker.Tests;

/// <summary>Offload and promotion around a real decoder: with a tier the same tokens come out, and fewer are computed.</summary>
public sealed class TierTests(RandomModelFixture model) : IClassFixture<RandomModelFixture>, IDisposable
{
    private const int Block = 16;
    private const int Answer = 12;

    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string, DType, string> Tiers() => new()
    {
        { "host", DType.F32, "raw" },
        { "host", DType.BF16, "exponents" },
        { "disk", DType.F32, "exponents" },
        { "disk", DType.BF16, "raw" },
        { "both", DType.BF16, "exponents" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Tiers))]
    public async Task AnotherWorkerFindsWhatTheFirstComputed(string tier, DType kv, string codec)
    {
        var prompt = RandomModelFixture.Prompt(seed: 1, length: (9 * Block) + 5);
        int[] expected = await AloneAsync(kv, prompt);
        await using var stack = Open(tier, kv, codec);
        using (var first = new Engine(Setup(kv, stack)))
        {
            Assert.Equal(expected, await first.TokensAsync(Engine.Greedy(prompt, Answer)));
        }

        using var second = new Engine(Setup(kv, stack));
        var frames = await second.RunAsync(Engine.Greedy(prompt, Answer));
        Assert.Equal(expected, frames.Where(frame => frame.Token is not null).Select(frame => frame.Token!.Value));
        Assert.Equal(9 * Block, frames[^1].CachedTokens);
    }

    /// <summary>Three documents and many questions over a pool with room for one of them.</summary>
    [Theory]
    [MemberData(nameof(Tiers))]
    public async Task EvictionPressureAndConcurrencyChangeNothing(string tier, DType kv, string codec)
    {
        int[][] prompts = [.. Enumerable.Range(0, LongProofs.Count(12, 200)).Select(i =>
            (int[])[.. RandomModelFixture.Prompt(seed: 10 + (i % 3), length: 11 * Block), .. RandomModelFixture.Prompt(seed: 100 + i, length: 7 + (i % Block))])];
        var expected = new int[prompts.Length][];
        for (int i = 0; i < prompts.Length; i++)
        {
            expected[i] = await AloneAsync(kv, prompts[i]);
        }

        await using var stack = Open(tier, kv, codec);
        using var engine = new Engine(Setup(kv, stack) with { Blocks = 32 });
        await Parallel.ForAsync(0, prompts.Length, new ParallelOptions { MaxDegreeOfParallelism = 4 }, async (i, _) =>
            Assert.Equal(expected[i], await engine.TokensAsync(Engine.Greedy(prompts[i], Answer))));
        await engine.Worker.CheckIntegrityAsync();
        Assert.All(Enum.GetValues<RecordFault>(), fault => Assert.Equal(0, stack.BadRecords(fault)));
    }

    [Fact]
    public async Task ABadRecordIsComputedAgain()
    {
        var prompt = RandomModelFixture.Prompt(seed: 2, length: (6 * Block) + 3);
        int[] expected = await AloneAsync(DType.F32, prompt);
        var host = new Tampering(new HostTier(1 << 24));
        await using var stack = new TierStack([host], KvCodecs.Find("raw")!, Layout(DType.F32));
        using (var first = new Engine(Setup(DType.F32, stack)))
        {
            await first.TokensAsync(Engine.Greedy(prompt, Answer));
        }

        host.Flipped = host.Written[3];
        using var second = new Engine(Setup(DType.F32, stack));
        var frames = await second.RunAsync(Engine.Greedy(prompt, Answer));
        Assert.Equal(expected, frames.Where(frame => frame.Token is not null).Select(frame => frame.Token!.Value));
        Assert.Equal(3 * Block, frames[^1].CachedTokens);
        Assert.Equal(1, stack.BadRecords(RecordFault.Checksum));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ATierThatHangsIsGivenUp(bool lookup)
    {
        var prompt = RandomModelFixture.Prompt(seed: 3, length: (6 * Block) + 3);
        int[] expected = await AloneAsync(DType.F32, prompt);
        var host = new Tampering(new HostTier(1 << 24));
        await using var stack = new TierStack([host], KvCodecs.Find("raw")!, Layout(DType.F32));
        using (var first = new Engine(Setup(DType.F32, stack)))
        {
            await first.TokensAsync(Engine.Greedy(prompt, Answer));
        }

        host.Hangs = lookup ? host.Written[0] : host.Written[4];
        using var second = new Engine(Setup(DType.F32, stack) with { Transfers = new TransferOptions { Patience = TimeSpan.FromMilliseconds(200) } });
        var frames = await second.RunAsync(Engine.Greedy(prompt, Answer));
        Assert.Equal(expected, frames.Where(frame => frame.Token is not null).Select(frame => frame.Token!.Value));
        Assert.Equal((lookup ? 0 : 4) * Block, frames[^1].CachedTokens);
        await second.Worker.CheckIntegrityAsync();
    }

    private async Task<int[]> AloneAsync(DType kv, int[] prompt)
    {
        using var engine = new Engine(new EngineSetup(model.Path) { KvType = kv });
        return await engine.TokensAsync(Engine.Greedy(prompt, Answer));
    }

    private EngineSetup Setup(DType kv, TierStack stack) => new(model.Path) { KvType = kv, BlockSize = Block, Tiers = _ => stack };

    private TierStack Open(string tier, DType kv, string codec)
    {
        IKvTier Host() => new HostTier(1 << 24);
        IKvTier Disk() => DiskTier.Open(new DiskTierOptions { Directory = _folder["disk"], CapacityBytes = 64 << 20 });
        IKvTier[] tiers = tier switch { "host" => [Host()], "disk" => [Disk()], _ => [new HostTier(1 << 18), Disk()] };
        return new TierStack(tiers, KvCodecs.Find(codec)!, Layout(kv));
    }

    private static KvLayout Layout(DType kv)
    {
        var config = RandomModelFixture.Config;
        return new KvLayout(config.Layers, config.KvHeads, config.HeadDim, Block, kv);
    }

    /// <summary>Flips a bit of one record as it is read.</summary>
    private sealed class Tampering(IKvTier tier) : IKvTier
    {
        /// <summary>In the order of the chain.</summary>
        public List<RecordKey> Written { get; } = [];

        public RecordKey? Flipped { get; set; }

        /// <summary>Whoever asks for it first, by lookup of a chain that begins with it or by reading it, never hears of it.</summary>
        public RecordKey? Hangs { get; set; }

        public string Name => tier.Name;

        public ValueTask LookupAsync(ReadOnlyMemory<RecordKey> keys, Memory<Residence> answers, CancellationToken cancellationToken) =>
            keys.Span[0] == Hangs ? new ValueTask(new TaskCompletionSource().Task) : tier.LookupAsync(keys, answers, cancellationToken);

        public async ValueTask<RentedBytes?> ReadAsync(RecordKey key, CancellationToken cancellationToken)
        {
            if (key == Hangs)
            {
                await new TaskCompletionSource().Task;
            }

            var bytes = await tier.ReadAsync(key, cancellationToken);
            if (bytes is not null && key == Flipped)
            {
                bytes.Memory.Span[^1] ^= 4;
            }

            return bytes;
        }

        public ValueTask<bool> WriteAsync(RecordKey key, ReadOnlyMemory<byte> record, CancellationToken cancellationToken)
        {
            Written.Add(key);
            return tier.WriteAsync(key, record, cancellationToken);
        }

        public ValueTask RemoveAsync(RecordKey key, CancellationToken cancellationToken) => tier.RemoveAsync(key, cancellationToken);

        public TierStatus GetStatus() => tier.GetStatus();

        public ValueTask DisposeAsync() => tier.DisposeAsync();
    }
}
