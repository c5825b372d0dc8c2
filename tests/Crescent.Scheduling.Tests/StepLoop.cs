using Crescent.KvCache.Prefix;

namespace Crescent.Scheduling.Tests;

/// <summary>A scheduler with a model that needs no arithmetic: the next token is always <see cref="Token"/>.</summary>
internal sealed class StepLoop
{
    public const int Token = 3;

    private static readonly BlockHash Root = new(new byte[BlockHash.Size]);

    private readonly Dictionary<SequenceId, FinishReason> _reasons = [];
    private long _lastId;

    public StepLoop(int blocks = 1000, int blockSize = 4, int budget = 16, int sequences = 8)
    {
        Cache = new PrefixCache(blocks, blockSize);
        Scheduler = new Scheduler(Cache, new SchedulerOptions { TokenBudget = budget, MaxSequences = sequences });
    }

    public PrefixCache Cache { get; }

    public Scheduler Scheduler { get; }

    /// <summary>Adds a sequence whose prompt shares no prefix with any other's.</summary>
    public Sequence Add(int promptTokens, int maxTokens = 50, int priority = 0) =>
        Add(Enumerable.Range((int)(_lastId + 1) * 10_000, promptTokens).ToArray(), maxTokens, priority);

    public Sequence Add(int[] prompt, int maxTokens = 50, int priority = 0, int[]? generated = null, int[]? stop = null, BlockHash? root = null)
    {
        var request = new GenerateRequest
        {
            Id = "r",
            Model = "m",
            PromptTokens = prompt,
            GeneratedTokens = generated ?? [],
            MaxTokens = maxTokens,
            Priority = priority,
            StopTokens = (stop ?? []).ToHashSet(),
        };
        var sequence = new Sequence(new SequenceId(++_lastId), request, root ?? Root);
        Scheduler.Add(sequence);
        return sequence;
    }

    /// <summary>One engine step.</summary>
    /// <returns>What it computed, in the order of the batch.</returns>
    public List<ScheduledSequence> Step()
    {
        var batch = Scheduler.Schedule();
        var scheduled = batch.Sequences.ToList();
        var sampling = scheduled.Where(item => item.Samples).ToList();
        var reasons = new FinishReason?[sampling.Count];
        Scheduler.Commit(batch, Enumerable.Repeat(Token, sampling.Count).ToArray(), reasons);
        for (int i = 0; i < sampling.Count; i++)
        {
            if (reasons[i] is { } reason)
            {
                _reasons.Add(sampling[i].Sequence.Id, reason);
            }
        }

        Cache.CheckIntegrity();
        return scheduled;
    }

    /// <summary>Rows of one sequence in the next step; 0 when it is not in it.</summary>
    public int StepRows(Sequence sequence) => RowsOf(Step(), sequence);

    public static int RowsOf(List<ScheduledSequence> step, Sequence sequence) =>
        step.Where(item => item.Sequence == sequence).Select(item => item.Rows).SingleOrDefault();

    public FinishReason? ReasonOf(Sequence sequence) => _reasons.TryGetValue(sequence.Id, out var reason) ? reason : null;

    /// <summary>Steps until the sequence has ended.</summary>
    public FinishReason RunToEnd(Sequence sequence, int maxSteps = 1000)
    {
        for (int i = 0; i < maxSteps && ReasonOf(sequence) is null; i++)
        {
            Step();
        }

        return ReasonOf(sequence) ?? throw new InvalidOperationException($"{sequence.Id} has not ended after {maxSteps} steps");
    }
}
