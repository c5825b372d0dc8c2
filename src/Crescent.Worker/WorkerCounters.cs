using Crescent.KvCache.Prefix;
using Crescent.Scheduling;

namespace Crescent.Worker;

/// <summary>What of a worker's status does not change while it lives.</summary>
public sealed record WorkerDescription(string Model, string NumericsId, long WeightBytes, long KvBytes);

/// <summary>
/// The worker's numbers. The engine's thread publishes a consistent copy of its side after every step; admission is
/// counted where it happens, so that requests still in the inbox are seen as waiting.
/// </summary>
internal sealed class WorkerCounters(WorkerDescription description, PrefixCache cache, Scheduler scheduler)
{
    private readonly Lock _lock = new();
    private Snapshot _published = new() { FreeBlocks = cache.TotalBlocks };
    private int _admitted;
    private long _admittedTokens;
    private int _deadlines;
    private long _prefilled;
    private long _generated;

    /// <summary>Requests in the worker that have a deadline.</summary>
    public int Deadlines => Volatile.Read(ref _deadlines);

    /// <summary>Steps of the engine; its thread counts them.</summary>
    public long Steps { get; set; }

    public bool TryAdmit(GenerateRequest request, int limit)
    {
        if (Interlocked.Increment(ref _admitted) > limit)
        {
            Interlocked.Decrement(ref _admitted);
            return false;
        }

        Interlocked.Add(ref _admittedTokens, request.PromptTokens.Count);
        Interlocked.Add(ref _deadlines, request.Deadline is null ? 0 : 1);
        return true;
    }

    public void Leave(GenerateRequest request)
    {
        Interlocked.Decrement(ref _admitted);
        Interlocked.Add(ref _admittedTokens, -request.PromptTokens.Count);
        Interlocked.Add(ref _deadlines, request.Deadline is null ? 0 : -1);
    }

    /// <summary>A sequence's rows of one step were computed.</summary>
    public void Computed(int rows, bool sampled)
    {
        _prefilled += sampled ? rows - 1 : rows;
        _generated += sampled ? 1 : 0;
    }

    /// <summary>Called by the engine's thread between steps.</summary>
    public void Publish()
    {
        long runningTokens = 0;
        for (int i = 0; i < scheduler.Running.Count; i++)
        {
            runningTokens += scheduler.Running[i].PromptTokens;
        }

        lock (_lock)
        {
            _published = new Snapshot
            {
                Running = scheduler.Running.Count,
                RunningTokens = runningTokens,
                FreeBlocks = cache.FreeBlocks,
                CachedBlocks = cache.CachedBlocks,
                ActiveBlocks = cache.ActiveBlocks,
                QueriedTokens = scheduler.QueriedTokens,
                HitTokens = scheduler.HitTokens,
                Preemptions = scheduler.Preemptions,
                Prefilled = _prefilled,
                Generated = _generated,
                Steps = Steps,
            };
        }
    }

    public WorkerStatus Status(bool draining)
    {
        Snapshot s;
        lock (_lock)
        {
            s = _published;
        }

        return new WorkerStatus
        {
            Model = description.Model,
            NumericsId = description.NumericsId,
            Draining = draining,
            RunningRequests = s.Running,
            WaitingRequests = Math.Max(0, Volatile.Read(ref _admitted) - s.Running),
            WaitingTokens = Math.Max(0, Volatile.Read(ref _admittedTokens) - s.RunningTokens),
            BlockSize = cache.BlockSize,
            TotalBlocks = cache.TotalBlocks,
            FreeBlocks = s.FreeBlocks,
            CachedBlocks = s.CachedBlocks,
            ActiveBlocks = s.ActiveBlocks,
            WeightBytes = description.WeightBytes,
            KvBytes = description.KvBytes,
            PrefixQueriedTokens = s.QueriedTokens,
            PrefixHitTokens = s.HitTokens,
            PrefilledTokens = s.Prefilled,
            GeneratedTokens = s.Generated,
            Preemptions = s.Preemptions,
            Steps = s.Steps,
        };
    }

    private struct Snapshot
    {
        public int Running;
        public long RunningTokens;
        public int FreeBlocks;
        public int CachedBlocks;
        public int ActiveBlocks;
        public long QueriedTokens;
        public long HitTokens;
        public long Preemptions;
        public long Prefilled;
        public long Generated;
        public long Steps;
    }
}
