using Crescent.KvCache.Prefix;

namespace Crescent.Scheduling;

/// <summary>
/// Decides what each step computes. Pure and deterministic: the same calls give the same batches. Order is priority,
/// then arrival. In a step
/// <list type="number">
/// <item>every sequence that decodes gets one row, so running streams never wait for a prefill;</item>
/// <item>waiting sequences are admitted in order, until their prompts fill the budget, while their whole prompt fits
/// beside what the admitted still need; the first that does not fit stops admission, so none is overtaken for
/// ever;</item>
/// <item>the rest of the budget is shared by the prefills: half of it is the oldest's, the other half goes to those with
/// less left, shortest first, so that a short prompt does not wait for a long one. Of several that need the same block
/// next only one computes it; the others take it over when it is published, and have no rows until then.</item>
/// </list>
/// When blocks run out the last sequence in order is preempted: its blocks are let go, and it computes again what the
/// prefix cache has not kept.
/// </summary>
public sealed class Scheduler
{
    private static readonly Comparer<Sequence> Order = Comparer<Sequence>.Create((a, b) =>
        (a.Request.Priority, a.Id.Value).CompareTo((b.Request.Priority, b.Id.Value)));

    private static readonly Comparer<Prefill> ShortestFirst = Comparer<Prefill>.Create((a, b) =>
        (a.Shortest, a.Sequence.Id.Value).CompareTo((b.Shortest, b.Sequence.Id.Value)));

    private readonly PrefixCache _cache;
    private readonly SchedulerOptions _options;
    private readonly SortedSet<Sequence> _waiting = new(Order);
    private readonly List<Sequence> _running = [];
    private readonly List<Prefill> _prefills = [];

    /// <summary>Per block that a prefill computes next, the index in <see cref="_prefills"/> of the one that does.</summary>
    private readonly Dictionary<BlockHash, int> _computing = [];
    private readonly List<Sequence> _decodes = [];
    private readonly Dictionary<SequenceId, int> _rows = [];
    private readonly ScheduledBatch _batch = new();
    private readonly IBlockSource? _source;
    private readonly List<PublishedBlock> _published = [];

    /// <param name="source">null: what the cache does not have is computed.</param>
    public Scheduler(PrefixCache cache, SchedulerOptions options, IBlockSource? source = null)
    {
        _source = source;
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxSequences, 1, nameof(options.MaxSequences));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.TokenBudget, options.MaxSequences, nameof(options.TokenBudget));
        _cache = cache;
        _options = options;
    }

    /// <summary>In order of priority, then arrival.</summary>
    public IReadOnlyList<Sequence> Running => _running;

    public IReadOnlyCollection<Sequence> Waiting => _waiting;

    public bool HasWork => _running.Count + _waiting.Count > 0;

    /// <summary>With a source: what the last <see cref="Commit"/> published, valid until the next.</summary>
    public IReadOnlyList<PublishedBlock> Published => _published;

    public long Preemptions { get; private set; }

    /// <summary>Prompt tokens of sequences that were admitted, each counted once.</summary>
    public long QueriedTokens { get; private set; }

    /// <summary>Of these, the ones that the sequence did not compute: the prefix cache had them, or another sequence computed them meanwhile.</summary>
    public long HitTokens { get; private set; }

    /// <summary>The most tokens, prompt and output together, that can ever run: beside them pins have their share.</summary>
    public int MaxTokens => (_cache.TotalBlocks - _cache.MaxPinnedBlocks) * _cache.BlockSize;

    /// <summary>The sequence waits from now on. Its prompt and output together must fit <see cref="MaxTokens"/>.</summary>
    public void Add(Sequence sequence)
    {
        int longest = sequence.PromptTokens + sequence.Request.MaxTokens;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(longest, MaxTokens, nameof(sequence));
        _waiting.Add(sequence);
    }

    /// <summary>Chooses the next step and reserves its blocks. The batch is reused: it is valid until the next call.</summary>
    public ScheduledBatch Schedule()
    {
        _batch.Clear();
        _rows.Clear();
        _cache.ExpirePins();
        int budget = _options.TokenBudget;
        foreach (var sequence in _running)
        {
            TakeOver(sequence);
        }

        GroupRunning();
        foreach (var sequence in _decodes)
        {
            budget -= Reserve(sequence, rows: 1);
        }

        Admit(budget);
        SharePrefill(budget);
        foreach (var sequence in _running)
        {
            if (_rows.TryGetValue(sequence.Id, out int rows))
            {
                _batch.Add(sequence, rows);
            }
        }

        return _batch;
    }

    /// <summary>
    /// Takes over what a step computed: positions advance, full blocks are published, sampled tokens are appended, and
    /// sequences that are complete leave. Only tokens that end a generation carry a reason.
    /// </summary>
    /// <param name="batch">The batch of the last <see cref="Schedule"/>, computed.</param>
    /// <param name="tokens">One token per output row.</param>
    /// <param name="reasons">Filled with the outcome of each output row; null goes on.</param>
    public void Commit(ScheduledBatch batch, ReadOnlySpan<int> tokens, Span<FinishReason?> reasons)
    {
        _published.Clear();
        int output = 0;
        for (int i = 0; i < batch.Sequences.Count; i++)
        {
            var (sequence, rows, samples) = batch.Sequences[i];
            sequence.Computed += rows;
            sequence.Reached = Math.Max(sequence.Reached, sequence.Computed);
            PublishFullBlocks(sequence);
            if (!samples)
            {
                continue;
            }

            int token = tokens[output];
            sequence.Append(token);
            reasons[output] = Outcome(sequence, token);
            if (reasons[output] is not null)
            {
                End(sequence);
            }

            output++;
        }
    }

    /// <summary>The sequence leaves, wherever it is; its blocks are let go.</summary>
    public void End(Sequence sequence)
    {
        _cache.Release(sequence.Blocks);
        if (!_running.Remove(sequence))
        {
            _waiting.Remove(sequence);
        }

        sequence.Runs = false;
    }

    private static FinishReason? Outcome(Sequence sequence, int token)
    {
        if (sequence.Request.StopTokens.Contains(token))
        {
            return FinishReason.Stop;
        }

        return sequence.GeneratedTokens >= sequence.Request.MaxTokens ? FinishReason.Length : null;
    }

    private void GroupRunning()
    {
        _decodes.Clear();
        foreach (var sequence in _running)
        {
            if (sequence.Remaining == 1)
            {
                _decodes.Add(sequence);
            }
        }
    }

    /// <summary>Gives the sequence rows in this step; preempts from the end of the order until their blocks exist.</summary>
    /// <returns>The rows given; 0 when the sequence itself had to go.</returns>
    private int Reserve(Sequence sequence, int rows)
    {
        if (!sequence.Runs)
        {
            return 0;
        }

        int missing = BlocksFor(sequence.Computed + rows) - sequence.Blocks.Count;
        while (!_cache.TryAllocate(missing, sequence.Blocks))
        {
            var victim = _running[^1];
            Preempt(victim);
            if (victim == sequence)
            {
                return 0;
            }
        }

        _rows[sequence.Id] = rows;
        return rows;
    }

    private void Preempt(Sequence sequence)
    {
        Preemptions++;
        _rows.Remove(sequence.Id);
        _running.Remove(sequence);
        sequence.Runs = false;
        _cache.Release(sequence.Blocks);
        sequence.Computed = 0;
        sequence.PublishedBlocks = 0;
        _waiting.Add(sequence);
    }

    private void Admit(int budget)
    {
        while (_waiting.Min is { } sequence && _running.Count < _options.MaxSequences && budget > 0)
        {
            var chain = SharedChain(sequence);
            if (!Fits(sequence, chain))
            {
                if (_running.Count > 0 && _running[^1].Request.Priority > sequence.Request.Priority)
                {
                    Preempt(_running[^1]);
                    continue;
                }

                return;
            }

            _waiting.Remove(sequence);
            sequence.Reserve(_cache.BlockSize);
            Acquire(sequence, chain);
            if (sequence.CachedTokens is null)
            {
                sequence.CachedTokens = 0;
                QueriedTokens += sequence.PromptTokens;
                _cache.Consumed(sequence.Blocks);
            }

            CountHits(sequence);
            if (sequence.Blocks.Count < chain.Length)
            {
                _source?.Seek(sequence, chain);
            }

            int index = _running.BinarySearch(sequence, Order);
            _running.Insert(~index, sequence);
            sequence.Runs = true;
            budget -= Math.Min(budget, sequence.Remaining);
        }
    }

    /// <summary>
    /// Whether all tokens of the sequence fit beside what the running ones still need for theirs, and a block each to
    /// grow into: without that, the admitted sequence would be preempted at once.
    /// </summary>
    private bool Fits(Sequence sequence, ReadOnlySpan<BlockHash> chain)
    {
        int promised = 0;
        foreach (var running in _running)
        {
            promised += Math.Max(0, BlocksFor(running.Count) - running.Blocks.Count) + 1;
        }

        var (held, available) = _cache.Measure(chain);
        return BlocksFor(sequence.Count) - held + promised <= _cache.AvailableBlocks - available;
    }

    /// <summary>The blocks a sequence need not compute itself. At least one token it must: its row gives the first logits.</summary>
    private ReadOnlySpan<BlockHash> SharedChain(Sequence sequence) =>
        sequence.Chain((sequence.Count - 1) / _cache.BlockSize, _cache.BlockSize);

    /// <summary>A prefill at the end of its blocks goes on behind those that others have published meanwhile.</summary>
    private void TakeOver(Sequence sequence)
    {
        if (sequence.Remaining > 1 && sequence.Computed == sequence.Blocks.Count * _cache.BlockSize)
        {
            Acquire(sequence, SharedChain(sequence));
            CountHits(sequence);
        }
    }

    private void Acquire(Sequence sequence, ReadOnlySpan<BlockHash> chain)
    {
        _cache.Acquire(chain, sequence.Tokens, sequence.Blocks);
        sequence.Computed = sequence.Blocks.Count * _cache.BlockSize;
        sequence.PublishedBlocks = sequence.Blocks.Count;
    }

    /// <summary>Prompt tokens that were acquired are hits, but for those that the sequence has computed or counted before.</summary>
    private void CountHits(Sequence sequence)
    {
        int hits = Math.Max(0, Math.Min(sequence.Computed, sequence.PromptTokens) - sequence.Reached);
        sequence.Reached += hits;
        sequence.CachedTokens += hits;
        HitTokens += hits;
    }

    private void SharePrefill(int budget)
    {
        GroupPrefills();
        if (_prefills.Count == 0)
        {
            return;
        }

        int longest = _prefills[0].Shortest;
        int shared = budget / 2;
        _prefills.Sort(1, _prefills.Count - 1, ShortestFirst);
        for (int i = 1; i < _prefills.Count && shared > 0 && _prefills[i].Shortest < longest; i++)
        {
            var sequence = _prefills[i].Sequence;
            int given = Reserve(sequence, Math.Min(shared, sequence.Remaining));
            shared -= given;
            budget -= given;
        }

        foreach (var (sequence, _) in _prefills)
        {
            if (budget > 0 && !_rows.ContainsKey(sequence.Id))
            {
                budget -= Reserve(sequence, Math.Min(budget, sequence.Remaining));
            }
        }
    }

    /// <summary>
    /// Finds who computes: every prefill, but for those at the end of their blocks whose next block one before them in order
    /// computes. They are chosen anew in each step, so nobody waits for a sequence that has gone, and the first in order
    /// always computes.
    /// </summary>
    private void GroupPrefills()
    {
        _prefills.Clear();
        _computing.Clear();
        foreach (var sequence in _running)
        {
            if (_rows.ContainsKey(sequence.Id))
            {
                continue;
            }

            var chain = SharedChain(sequence);
            int next = sequence.Computed / _cache.BlockSize;
            bool atBoundary = sequence.Computed % _cache.BlockSize == 0;
            if (next < chain.Length && atBoundary && _source?.IsComing(chain[next]) == true)
            {
                continue;
            }

            if (next < chain.Length && !_computing.TryAdd(chain[next], _prefills.Count) && atBoundary)
            {
                int computes = _computing[chain[next]];
                var first = _prefills[computes];
                _prefills[computes] = first with { Shortest = Math.Min(first.Shortest, sequence.Remaining) };
                continue;
            }

            _prefills.Add(new Prefill(sequence, sequence.Remaining));
        }
    }

    private void PublishFullBlocks(Sequence sequence)
    {
        int full = sequence.Computed / _cache.BlockSize;
        var chain = sequence.Chain(full, _cache.BlockSize);
        for (int i = sequence.PublishedBlocks; i < full; i++)
        {
            _cache.Publish(sequence.Blocks, i, chain[i], sequence.Tokens.Slice(i * _cache.BlockSize, _cache.BlockSize));
            if (_source is not null)
            {
                _published.Add(new PublishedBlock(sequence, i, sequence.Blocks[i]));
            }
        }

        sequence.PublishedBlocks = full;
    }

    private int BlocksFor(int tokens) => (tokens + _cache.BlockSize - 1) / _cache.BlockSize;

    /// <param name="Sequence">Who computes.</param>
    /// <param name="Shortest">Tokens left of it, or of the one with the least left among those that wait for its block.</param>
    private readonly record struct Prefill(Sequence Sequence, int Shortest);
}
