using System.Text;
using Crescent.KvCache.Prefix;
using Crescent.Testing;

namespace Crescent.Scheduling.Tests;

/// <summary>
/// One random workload on a pool too small for it: arrivals, priorities, shared prefixes, cancellations. KV is
/// simulated: the slot of a position remembers which token prefix it was computed of, so a lost, stale, foreign or
/// overwritten block shows as soon as anyone reads it.
/// </summary>
internal sealed class Simulation
{
    private const int Vocabulary = 12;
    private const int LongestPrompt = 48;
    private const int MostNewTokens = 24;
    private const int Arrivals = 40;

    private readonly Random _random;
    private readonly PrefixCache _cache;
    private readonly SchedulerOptions _options;
    private readonly BlockHash[] _roots = [new(new byte[BlockHash.Size]), new([.. Enumerable.Repeat((byte)1, BlockHash.Size)])];
    private readonly int[][] _documents;
    private readonly ulong[] _kv;
    private readonly List<Sequence> _live = [];
    private readonly Dictionary<SequenceId, int> _rootOf = [];
    private readonly Dictionary<SequenceId, FinishReason> _reasons = [];
    private readonly StringBuilder _log = new();
    private readonly ManualTime _time = new();
    private int _arrived;
    private long _work;

    public Simulation(int seed)
    {
        _random = new Random(seed);
        int blockSize = 1 << _random.Next(4);
        int least = (LongestPrompt + MostNewTokens + blockSize - 1) / blockSize;
        int blocks = _random.Next(least, (least * 2) + 1);
        _cache = new PrefixCache(blocks * 4 / 3, blockSize, new PrefixCacheOptions { PinnableShare = 0.25, MaxPins = 4 }, _time);
        int sequences = _random.Next(1, 9);
        _options = new SchedulerOptions { MaxSequences = sequences, TokenBudget = sequences + _random.Next(40) };
        Scheduler = new Scheduler(_cache, _options);
        _kv = new ulong[_cache.TotalBlocks * blockSize];
        _documents = [.. Enumerable.Range(0, 3).Select(_ => RandomTokens(LongestPrompt))];
    }

    public Scheduler Scheduler { get; }

    /// <summary>Everything the scheduler decided.</summary>
    public string Log => _log.ToString();

    /// <summary>Times that a running sequence went on behind blocks that another had computed.</summary>
    public int TakenOver { get; private set; }

    public int Pins { get; private set; }

    public int Ended(FinishReason reason) => _reasons.Values.Count(ended => ended == reason);

    public void Run()
    {
        for (long step = 0; _arrived < Arrivals || Scheduler.HasWork; step++)
        {
            // Every step brings the first in order forward, so the work of all together bounds the steps.
            Assert.True(step < Arrivals + (3 * _work), $"no end after {step} steps");
            while (_arrived < Arrivals && (_random.Next(4) == 0 || (!Scheduler.HasWork && _random.Next(2) == 0)))
            {
                Arrive();
            }

            Step();
            if (_live.Count > 0 && _random.Next(25) == 0)
            {
                Cancel(_live[_random.Next(_live.Count)]);
            }

            if (_live.Count > 0 && _random.Next(5) == 0)
            {
                Pin(_live[_random.Next(_live.Count)]);
            }

            _time.Advance(TimeSpan.FromSeconds(1));
        }

        _time.Advance(TimeSpan.FromDays(1));
        _cache.ExpirePins();
        Assert.Equal(Arrivals, _reasons.Count);
        Assert.Equal((0, _cache.TotalBlocks), (_cache.ActiveBlocks, _cache.AvailableBlocks));
    }

    /// <summary>Whatever is pinned, and however long: sequences go on beside it.</summary>
    private void Pin(Sequence sequence)
    {
        var chain = new List<BlockHash>();
        for (int i = 0; i < sequence.PromptTokens / _cache.BlockSize && i <= _random.Next(8); i++)
        {
            var parent = i == 0 ? _roots[_rootOf[sequence.Id]] : chain[i - 1];
            chain.Add(BlockChain.Next(parent, sequence.Tokens.Slice(i * _cache.BlockSize, _cache.BlockSize)));
        }

        if (chain.Count > 0)
        {
            var terms = new PinTerms(TimeSpan.FromSeconds(_random.Next(1, 500)), _random.Next(2), _random.Next(3));
            Pins += _cache.TryPin(chain.ToArray(), sequence.Tokens, terms, out _) == PinOutcome.Pinned ? 1 : 0;
        }
    }

    private void Arrive()
    {
        int root = _random.Next(4) == 0 ? 1 : 0;
        var document = _documents[_random.Next(_documents.Length)];
        int shared = _random.Next(LongestPrompt);
        int[] prompt = [.. document[..shared], .. RandomTokens(_random.Next(1, Math.Min(8, LongestPrompt - shared + 1)))];
        var request = new GenerateRequest
        {
            Id = "r",
            Model = "m",
            PromptTokens = prompt,
            MaxTokens = _random.Next(1, MostNewTokens + 1),
            Priority = _random.Next(6) == 0 ? _random.Next(-1, 2) : 0,
            StopTokens = _random.Next(2) == 0 ? new HashSet<int> { _random.Next(Vocabulary) } : new HashSet<int>(),
        };
        var sequence = new Sequence(new SequenceId(++_arrived), request, _roots[root]);
        _rootOf.Add(sequence.Id, root);
        _live.Add(sequence);
        _work += prompt.Length + request.MaxTokens;
        Scheduler.Add(sequence);
    }

    private void Step()
    {
        var before = Scheduler.Running.Select(sequence => (Sequence: sequence, sequence.Computed, sequence.Remaining)).ToList();
        long preemptions = Scheduler.Preemptions;
        var batch = Scheduler.Schedule();
        Record(batch);
        CheckQueues();
        CheckBatch(batch);
        bool preempted = Scheduler.Preemptions > preemptions;
        foreach (var (sequence, computed, remaining) in before.Where(item => Scheduler.Running.Contains(item.Sequence)))
        {
            // A preempted sequence may be back at once, at the end of a cached block; a prefill may take blocks over.
            bool returned = preempted && sequence.Computed % _cache.BlockSize == 0;
            bool tookOver = computed % _cache.BlockSize == 0 && sequence.Computed > computed && sequence.Computed % _cache.BlockSize == 0;
            TakenOver += tookOver && !returned ? 1 : 0;
            Assert.True(sequence.Computed == computed || returned || tookOver, $"{sequence.Id} was at {computed} and is at {sequence.Computed}");
            int rows = batch.Sequences.Where(item => item.Sequence == sequence).Select(item => item.Rows).SingleOrDefault();
            Assert.True(remaining > 1 || rows == 1 || returned, $"{sequence.Id} decodes and got {rows} rows");
        }

        CheckComputedOnce(batch);
        WriteKv(batch);
        ReadKv(batch);
        Commit(batch);
        _cache.CheckIntegrity();
        CheckQueues();
    }

    private void CheckQueues()
    {
        var running = Scheduler.Running;
        Assert.True(running.Count <= _options.MaxSequences);
        Assert.Equal(running.OrderBy(sequence => (sequence.Request.Priority, sequence.Id.Value)), running);
        Assert.Equal(_live.OrderBy(sequence => sequence.Id.Value), running.Concat(Scheduler.Waiting).OrderBy(sequence => sequence.Id.Value));
        Assert.All(Scheduler.Waiting, sequence => Assert.Equal((0, 0), (sequence.Blocks.Count, sequence.Computed)));
        Assert.Equal(_cache.ActiveBlocks, running.SelectMany(sequence => sequence.Blocks.Memory.ToArray()).Distinct().Count());
    }

    private void CheckBatch(ScheduledBatch batch)
    {
        Assert.InRange(batch.Rows, Scheduler.HasWork ? 1 : 0, _options.TokenBudget);
        Assert.Equal(batch.Sequences.Count, batch.Sequences.Select(item => item.Sequence.Id).Distinct().Count());
        Assert.Equal(batch.Sequences.Count, batch.Attention.Segments.Count);
        var outputs = new List<int>();
        int row = 0;
        for (int i = 0; i < batch.Sequences.Count; i++)
        {
            var (sequence, rows, samples) = batch.Sequences[i];
            var segment = batch.Attention.Segments[i];
            Assert.Contains(sequence, Scheduler.Running);
            Assert.Equal(new BatchSegment(row, rows, sequence.Computed, sequence.Blocks.Memory), segment);
            Assert.InRange(sequence.Blocks.Count * _cache.BlockSize, sequence.Computed + rows, int.MaxValue);
            Assert.Equal(sequence.Tokens.Slice(sequence.Computed, rows).ToArray(), batch.Tokens.Slice(row, rows).ToArray());
            Assert.Equal(sequence.Computed + rows == sequence.Count, samples);
            row += rows;
            if (samples)
            {
                outputs.Add(row - 1);
            }
        }

        Assert.Equal(row, batch.Rows);
        Assert.Equal(outputs, batch.OutputRows.ToArray());
    }

    /// <summary>No two sequences begin the same block in one step, unless it has the last token of one of them.</summary>
    private void CheckComputedOnce(ScheduledBatch batch)
    {
        var begun = batch.Sequences
            .Where(item => item.Sequence.Computed % _cache.BlockSize == 0 && item.Sequence.Remaining > _cache.BlockSize)
            .Select(item => (Root: _rootOf[item.Sequence.Id], Text: string.Join(' ', item.Sequence.Tokens[..(item.Sequence.Computed + _cache.BlockSize)].ToArray())))
            .ToList();
        Assert.Equal(begun.Count, begun.Distinct().Count());
    }

    private void WriteKv(ScheduledBatch batch)
    {
        foreach (var (sequence, rows, _) in batch.Sequences)
        {
            var prefixes = Prefixes(sequence);
            for (int position = sequence.Computed; position < sequence.Computed + rows; position++)
            {
                _kv[SlotOf(sequence, position)] = prefixes[position];
            }
        }
    }

    private void ReadKv(ScheduledBatch batch)
    {
        foreach (var (sequence, rows, _) in batch.Sequences)
        {
            var prefixes = Prefixes(sequence);
            for (int position = 0; position < sequence.Computed + rows; position++)
            {
                Assert.True(_kv[SlotOf(sequence, position)] == prefixes[position], $"{sequence.Id} reads wrong KV at {position}");
            }
        }
    }

    private void Commit(ScheduledBatch batch)
    {
        var sampling = batch.Sequences.Where(item => item.Samples).Select(item => item.Sequence).ToArray();
        var tokens = sampling.Select(sequence => NextToken(Prefixes(sequence)[^1])).ToArray();
        var reasons = new FinishReason?[sampling.Length];
        var expected = batch.Sequences.Select(item => item.Sequence.Computed + item.Rows).ToArray();

        Scheduler.Commit(batch, tokens, reasons);

        Assert.Equal(expected, batch.Sequences.Select(item => item.Sequence.Computed));
        for (int i = 0; i < sampling.Length; i++)
        {
            if (reasons[i] is { } reason)
            {
                End(sampling[i], reason);
            }
        }
    }

    private void Cancel(Sequence sequence)
    {
        Scheduler.End(sequence);
        End(sequence, FinishReason.Cancelled);
        _cache.CheckIntegrity();
        CheckQueues();
    }

    private void End(Sequence sequence, FinishReason reason)
    {
        _log.Append($"{sequence.Id} {reason}\n");
        _reasons.Add(sequence.Id, reason);
        Assert.True(_live.Remove(sequence));
        Assert.Equal(0, sequence.Blocks.Count);
        var (expected, expectedReason) = Alone(sequence);
        if (reason == FinishReason.Cancelled)
        {
            Assert.Equal(expected[..sequence.Count], sequence.Tokens.ToArray());
        }
        else
        {
            Assert.Equal(expected, sequence.Tokens.ToArray());
            Assert.Equal(expectedReason, reason);
        }
    }

    /// <summary>What the sequence generates when nothing else is there.</summary>
    private (int[] Tokens, FinishReason Reason) Alone(Sequence sequence)
    {
        var tokens = sequence.Request.PromptTokens.ToList();
        ulong prefix = Prefixes(sequence)[tokens.Count - 1];
        for (int generated = 1; ; generated++)
        {
            int token = NextToken(prefix);
            tokens.Add(token);
            prefix = Extend(prefix, token);
            if (sequence.Request.StopTokens.Contains(token))
            {
                return ([.. tokens], FinishReason.Stop);
            }

            if (generated == sequence.Request.MaxTokens)
            {
                return ([.. tokens], FinishReason.Length);
            }
        }
    }

    /// <summary>For each position, a number that stands for the root and all tokens up to it.</summary>
    private ulong[] Prefixes(Sequence sequence)
    {
        var prefixes = new ulong[sequence.Count];
        // Beyond the bits of a token, or the first token of one root could look like another's of the other root.
        ulong prefix = ((ulong)_rootOf[sequence.Id] + 1) << 32;
        for (int position = 0; position < prefixes.Length; position++)
        {
            prefix = Extend(prefix, sequence.Tokens[position]);
            prefixes[position] = prefix;
        }

        return prefixes;
    }

    private static ulong Extend(ulong prefix, int token)
    {
        ulong mixed = (prefix ^ ((ulong)token + 0x9e3779b97f4a7c15)) * 0xbf58476d1ce4e5b9;
        return mixed ^ (mixed >> 29);
    }

    private static int NextToken(ulong prefix) => (int)((prefix >> 20) % Vocabulary);

    private int SlotOf(Sequence sequence, int position) =>
        (sequence.Blocks[position / _cache.BlockSize].Value * _cache.BlockSize) + (position % _cache.BlockSize);

    private int[] RandomTokens(int count) => [.. Enumerable.Range(0, count).Select(_ => _random.Next(Vocabulary))];

    private void Record(ScheduledBatch batch)
    {
        foreach (var (sequence, rows, _) in batch.Sequences)
        {
            _log.Append($"{sequence.Id} {sequence.Computed}+{rows} {string.Join(' ', sequence.Blocks.Memory.ToArray())}; ");
        }

        _log.AppendLine();
    }
}
