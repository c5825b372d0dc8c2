using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Crescent.KvCache.Prefix;
using Crescent.KvCache.Tiers;
using Crescent.Models;
using Crescent.Models.Sampling;
using Crescent.Scheduling;
using Microsoft.Extensions.Logging;

namespace Crescent.Worker;

/// <summary>
/// Owns one device. Callers' threads put commands in the inbox; the engine's own thread takes them between steps and is
/// the only one that touches scheduler, prefix cache, decoder and sampler.
/// </summary>
public sealed partial class InferenceWorker<T> : IWorker, IDisposable
    where T : class
{
    private static readonly TimeSpan WaitForBlocks = TimeSpan.FromMilliseconds(20);

    private readonly Decoder<T> _decoder;
    private readonly PrefixCache _cache;
    private readonly Scheduler _scheduler;
    private readonly TokenSampler _sampler;
    private readonly WorkerOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly WorkerCounters _counters;
    private readonly KvTransfers<T>? _transfers;

    private readonly ConcurrentQueue<Action> _inbox = new();
    private readonly Lock _admission = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Dictionary<SequenceId, Generation> _generations = [];
    private readonly SampledToken[] _sampled;
    private readonly int[] _tokens;
    private readonly FinishReason?[] _reasons;
    private readonly List<Generation> _expired = [];
    private readonly Thread _thread;
    private readonly TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private volatile PrefixRoots _roots;
    private volatile bool _rootsLast;
    private volatile bool _draining;
    private volatile bool _stopping;
    private long _lastId;

    /// <param name="decoder">Made for the scheduler's token budget and sequences; the caller disposes it after the worker.</param>
    /// <param name="cache">The decoder's blocks.</param>
    /// <param name="roots">Identity of the blocks; see <see cref="UseRoots"/>.</param>
    /// <param name="description">What of the status does not change.</param>
    /// <param name="tiers">Below the device, used from <see cref="UseRoots"/> on; the caller disposes them after the worker. null: none.</param>
    public InferenceWorker(
        Decoder<T> decoder,
        PrefixCache cache,
        PrefixRoots roots,
        WorkerDescription description,
        WorkerOptions options,
        TimeProvider time,
        ILogger logger,
        TierStack? tiers = null)
    {
        _decoder = decoder;
        _cache = cache;
        _roots = roots;
        _options = options;
        _time = time;
        _logger = logger;
        _transfers = tiers is null ? null : new KvTransfers<T>(decoder, cache, tiers, options.Transfers, Post, logger);
        _scheduler = new Scheduler(cache, options.Scheduler, _transfers);
        _sampler = new TokenSampler(decoder.VocabularySize);
        _sampled = new SampledToken[options.Scheduler.MaxSequences];
        _tokens = new int[options.Scheduler.MaxSequences];
        _reasons = new FinishReason?[options.Scheduler.MaxSequences];
        _counters = new WorkerCounters(description, cache, _scheduler);
        _thread = new Thread(Run) { IsBackground = true, Name = "crescent-engine" };
        _thread.Start();
    }

    public async IAsyncEnumerable<TokenFrame> GenerateAsync(
        GenerateRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var generation = Admit(request);
        using var registration = cancellationToken.Register(() => Post(() => End(generation, FinishReason.Cancelled)));
        try
        {
            await foreach (var frame in generation.Frames.ReadAllAsync(CancellationToken.None))
            {
                yield return frame;
            }
        }
        finally
        {
            // A caller that stops reading early has gone away; at the end of the stream this does nothing.
            Post(() => End(generation, FinishReason.Cancelled));
        }
    }

    public async Task DrainAsync(CancellationToken cancellationToken)
    {
        StopAdmitting();
        Post(SignalIfIdle);
        await using var registration = cancellationToken.Register(() => Post(() => EndAll(FinishReason.Drained, error: null)));
        await _idle.Task;
    }

    public WorkerStatus GetStatus()
    {
        var status = _counters.Status(_draining);
        return _transfers is null ? status : status with
        {
            Tiers = _transfers.GetTiers(),
            OffloadedTokens = _transfers.Offloaded * status.BlockSize,
            PromotedTokens = _transfers.Promoted * status.BlockSize,
        };
    }

    /// <summary>Requests from now on belong to these roots; blocks of the old ones are never found again and age out.</summary>
    public void UseRoots(PrefixRoots roots)
    {
        _roots = roots;
        _rootsLast = true;
    }

    /// <summary>Runs <see cref="PrefixCache.CheckIntegrity"/> between two steps.</summary>
    public Task CheckIntegrityAsync()
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() =>
        {
            try
            {
                _cache.CheckIntegrity();
                done.SetResult();
            }
            catch (InvalidOperationException e)
            {
                done.SetException(e);
            }
        });
        return done.Task;
    }

    public void Dispose()
    {
        StopAdmitting();
        Post(() => EndAll(FinishReason.Drained, error: null));
        Post(() => _stopping = true);
        _thread.Join();
        _transfers?.Dispose();
        _wake.Dispose();
    }

    /// <summary>Once this returns, every admitted request is in the inbox before whatever is posted next.</summary>
    private void StopAdmitting()
    {
        lock (_admission)
        {
            _draining = true;
        }
    }

    private Generation Admit(GenerateRequest request)
    {
        Validate(request);
        bool lasts = _rootsLast;
        var root = _roots.For(request.Tenant, request.CacheSalt);
        var retryAfter = TimeSpan.FromSeconds(1);
        lock (_admission)
        {
            if (_draining)
            {
                throw new RequestException(RefusalKind.Unavailable, "the worker is draining") { RetryAfter = retryAfter };
            }

            if (!_counters.TryAdmit(request, _options.MaxRequests))
            {
                string message = $"the worker holds {_options.MaxRequests} requests, its limit";
                throw new RequestException(RefusalKind.Overloaded, message) { RetryAfter = retryAfter };
            }

            var generation = new Generation(new Sequence(new SequenceId(++_lastId), request, root) { RootLasts = lasts });
            Post(() => Begin(generation));
            return generation;
        }
    }

    private void Validate(GenerateRequest request)
    {
        if (request.PromptTokens.Count == 0)
        {
            throw new RequestException(RefusalKind.Invalid, "the prompt has no tokens", "prompt");
        }

        if (request.MaxTokens < 1 || request.GeneratedTokens.Count >= request.MaxTokens)
        {
            throw new RequestException(RefusalKind.Invalid, "max_tokens leaves nothing to generate", "max_tokens");
        }

        long total = (long)request.PromptTokens.Count + request.MaxTokens;
        if (total > _scheduler.MaxTokens)
        {
            throw new RequestException(
                RefusalKind.Invalid,
                $"prompt ({request.PromptTokens.Count} tokens) and max_tokens ({request.MaxTokens}) exceed the {_scheduler.MaxTokens} tokens of the KV cache",
                "prompt",
                "context_length_exceeded");
        }

        var tokens = request.PromptTokens.Concat(request.GeneratedTokens).Concat(request.Sampling.LogitBias?.Keys ?? []);
        if (tokens.Any(token => token < 0 || token >= _decoder.VocabularySize))
        {
            throw new RequestException(RefusalKind.Invalid, $"a token id is not in the vocabulary of {_decoder.VocabularySize}", "prompt");
        }
    }

    private void Post(Action command)
    {
        _inbox.Enqueue(command);
        if (!_stopping)
        {
            _wake.Set();
        }
    }

    private void Run()
    {
        while (!_stopping)
        {
            while (_inbox.TryDequeue(out var command))
            {
                command();
            }

            EndExpired();
            if (_scheduler.HasWork)
            {
                GuardedStep();
            }

            _counters.Publish();
            SignalIfIdle();
            if (!_scheduler.HasWork && _inbox.IsEmpty && !_stopping)
            {
                _wake.WaitOne();
            }
        }

        _idle.TrySetResult();
    }

    /// <summary>A step that only decodes allocates nothing on this thread, however many sequences it has.</summary>
    private void Step()
    {
        var batch = _scheduler.Schedule();
        if (batch.Sequences.Count == 0)
        {
            // Whoever runs waits for blocks out of a tier; deadlines go on.
            _wake.WaitOne(WaitForBlocks);
            return;
        }

        Sample(batch, _decoder.Forward(batch));
        _scheduler.Commit(batch, _tokens, _reasons);
        _transfers?.Offload(_scheduler.Published);
        Deliver(batch);
    }

    private void GuardedStep()
    {
        try
        {
            Step();
        }
        catch (Exception e)
        {
            // The KV of the running sequences is in doubt: end them, keep serving. What was published before is sound.
            LogStepFailed(_logger, e);
            foreach (var sequence in _scheduler.Running.ToArray())
            {
                End(_generations[sequence.Id], FinishReason.Error, $"the engine failed: {e.Message}");
            }
        }
    }

    private void Sample(ScheduledBatch batch, Span<float> logits)
    {
        int output = 0;
        for (int i = 0; i < batch.Sequences.Count; i++)
        {
            var (sequence, _, samples) = batch.Sequences[i];
            if (samples)
            {
                var generation = _generations[sequence.Id];
                var row = logits.Slice(output * _decoder.VocabularySize, _decoder.VocabularySize);
                var request = sequence.Request;
                _sampled[output] = _sampler.Sample(row, request.Sampling, generation.Counts, request.Choice, sequence.GeneratedTokens);
                _tokens[output] = _sampled[output].Token;
                output++;
            }
        }
    }

    private void Deliver(ScheduledBatch batch)
    {
        _counters.Steps++;
        int output = 0;
        for (int i = 0; i < batch.Sequences.Count; i++)
        {
            var (sequence, rows, samples) = batch.Sequences[i];
            var generation = _generations[sequence.Id];
            _counters.Computed(rows, samples);
            if (!samples)
            {
                generation.Progress();
                continue;
            }

            generation.Token(_sampled[output], _reasons[output]);
            if (_reasons[output] is not null)
            {
                Forget(generation);
            }

            output++;
        }
    }

    private void Begin(Generation generation)
    {
        // Cancelled while it was in the inbox: that command, behind this one, ends it.
        _generations.Add(generation.Sequence.Id, generation);
        _scheduler.Add(generation.Sequence);
    }

    private void End(Generation generation, FinishReason reason, string? error = null)
    {
        if (!generation.Ended)
        {
            _scheduler.End(generation.Sequence);
            generation.End(reason, error);
            Forget(generation);
        }
    }

    private void EndAll(FinishReason reason, string? error)
    {
        foreach (var generation in _generations.Values.ToArray())
        {
            End(generation, reason, error);
        }
    }

    private void EndExpired()
    {
        if (_counters.Deadlines == 0)
        {
            return;
        }

        var now = _time.GetUtcNow();
        foreach (var generation in _generations.Values)
        {
            if (generation.Request.Deadline <= now)
            {
                _expired.Add(generation);
            }
        }

        foreach (var generation in _expired)
        {
            End(generation, FinishReason.Deadline);
        }

        _expired.Clear();
    }

    private void Forget(Generation generation)
    {
        _generations.Remove(generation.Sequence.Id);
        _counters.Leave(generation.Request);
    }

    private void SignalIfIdle()
    {
        if (_draining && _generations.Count == 0 && _inbox.IsEmpty)
        {
            _idle.TrySetResult();
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "An engine step failed; its requests end with an error")]
    private static partial void LogStepFailed(ILogger logger, Exception exception);
}
