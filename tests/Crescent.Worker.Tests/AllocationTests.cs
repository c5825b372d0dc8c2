using Crescent.Backends.Cpu;
using Crescent.Worker.Tests.Support;

namespace Crescent.Worker.Tests;

/// <summary>
/// Decoding allocates nothing on the engine's thread. It asks for the time between two steps when requests have
/// deadlines; there its counter is read, and it is held until every frame of the last step has been taken: frames that
/// pile up in front of a slow reader are memory, too.
/// </summary>
[Collection(nameof(AloneInTheProcess))]
public sealed class AllocationTests(RandomModelFixture model) : IClassFixture<RandomModelFixture>
{
    private const int WarmSteps = 200;
    private const int MeasuredSteps = 500;

    /// <summary>
    /// Waking a reader may once in a while make the thread pool start a thread or lengthen a queue from within a step. What the
    /// engine itself would allocate comes with every step, or with every block of 16.
    /// </summary>
    private const int OddSteps = 5;

    public static TheoryData<string, int> Runs()
    {
        var data = new TheoryData<string, int>();
        foreach (string sampling in Samplings.Keys)
        {
            data.Add(sampling, 1);
            data.Add(sampling, 16);
        }

        return data;
    }

    private static Dictionary<string, SamplingParameters> Samplings { get; } = new()
    {
        ["greedy"] = new() { Temperature = 0 },
        ["whole"] = new(),
        ["top_p"] = new() { TopP = 0.95f },
        ["top_k"] = new() { TopK = 20, TopP = 0.9f },
        ["min_p"] = new() { MinP = 0.05f },
        ["penalties"] = new() { RepetitionPenalty = 1.1f, PresencePenalty = 0.1f, FrequencyPenalty = 0.1f, TopP = 0.9f },
        ["bias"] = new() { Temperature = 0, LogitBias = new Dictionary<int, float> { [3] = 1, [5] = -100 } },
    };

    [Theory]
    [MemberData(nameof(Runs))]
    public async Task ADecodeStepAllocatesNothing(string sampling, int sequences)
    {
        // Short of the blocks that the sequences fill, so that blocks of those before are evicted meanwhile.
        var clock = new StepClock();
        int blocks = sequences * (WarmSteps + MeasuredSteps + 100) / 16;
        using var engine = new Engine(new EngineSetup(model.Path) { Blocks = blocks, KvType = DType.BF16, Time = clock });
        await Task.WhenAll(Enumerable.Range(0, sequences).Select(i => engine.RunAsync(Request(i, sampling) with { MaxTokens = 300 })));

        // The first hashes of a process that are equal make their comparer.
        await engine.RunAsync(Request(0, sampling) with { MaxTokens = 1 });

        // The last frame comes before the engine has counted it; a command comes after.
        await engine.Worker.CheckIntegrityAsync();
        clock.Watch(engine.Worker);

        await Task.WhenAll(Enumerable.Range(0, sequences).Select(async i =>
        {
            var request = Request(i + sequences, sampling) with { Deadline = DateTimeOffset.MaxValue };
            await foreach (var frame in engine.Worker.GenerateAsync(request, default))
            {
                clock.Took(frame);
            }
        }));

        Assert.Equal(MeasuredSteps, clock.Measured.Count);
        Assert.InRange(clock.Measured.Count(bytes => bytes != 0), 0, OddSteps);
        Assert.Equal(0, engine.Worker.GetStatus().Preemptions);
    }

    private static GenerateRequest Request(int seed, string sampling) =>
        Engine.Greedy(RandomModelFixture.Prompt(seed, 20), WarmSteps + MeasuredSteps + 20) with
        {
            Sampling = Samplings[sampling] with { Seed = (ulong)seed },
        };

    /// <summary>Reads the counter of the thread that asks for the time.</summary>
    private sealed class StepClock : TimeProvider
    {
        private readonly SemaphoreSlim _taken = new(0);
        private InferenceWorker<CpuTensor>? _worker;
        private long _given;
        private long _frames;
        private long _steps;
        private long _before;

        public List<long> Measured { get; } = new(MeasuredSteps);

        public void Watch(InferenceWorker<CpuTensor> worker)
        {
            _given = worker.GetStatus().GeneratedTokens;
            _worker = worker;
        }

        public void Took(TokenFrame frame)
        {
            if (frame.Token is not null)
            {
                _taken.Release();
            }
        }

        public override DateTimeOffset GetUtcNow()
        {
            long bytes = GC.GetAllocatedBytesForCurrentThread() - _before;
            var status = _worker!.GetStatus();
            long given = status.GeneratedTokens - _given;
            if (_steps > WarmSteps && Measured.Count < MeasuredSteps)
            {
                Measured.Add(bytes);
            }

            _steps += status.WaitingRequests == 0 ? 1 : 0;
            for (; _frames < given; _frames++)
            {
                _taken.Wait();
            }

            _before = GC.GetAllocatedBytesForCurrentThread();
            return DateTimeOffset.UnixEpoch;
        }
    }
}

/// <summary>Other tests would ask more of the thread pool, which may then start a thread from within a step.</summary>
[CollectionDefinition(nameof(AloneInTheProcess), DisableParallelization = true)]
public sealed class AloneInTheProcess;
