using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Crescent.Gateway.Metrics;
using Microsoft.Extensions.Logging;

namespace Crescent.Gateway.Generation;

/// <summary>A validated request, ready to run once. Made by <see cref="CompletionPipeline.Prepare"/>.</summary>
public sealed partial class Completion
{
    /// <summary>Deltas between the workers' streams and a client that reads slowly; when it is full the streams wait.</summary>
    private const int ChannelCapacity = 64;

    private readonly CompletionContext _context;
    private readonly ChoiceStream[] _choices;
    private readonly int _choicesPerPrompt;
    private int _started;

    internal Completion(
        CompletionContext context,
        string id,
        ServedModel model,
        CompletionRequest request,
        ulong seed,
        GenerateRequest[] choices)
    {
        _context = context;
        _choicesPerPrompt = request.N;
        Id = id;
        Model = model;
        Seed = seed;
        Created = context.Time.GetUtcNow();
        var stops = request.Stop.Count > 0 ? new StopStrings(request.Stop) : null;
        _choices = [.. choices.Select((choice, index) => new ChoiceStream(index, choice, model, stops, request.StopTokenIds))];
    }

    /// <summary>32 hexadecimal digits, unique.</summary>
    public string Id { get; }

    public ServedModel Model { get; }

    public DateTimeOffset Created { get; }

    /// <summary>The request's, or the random one it was given.</summary>
    public ulong Seed { get; }

    /// <summary>When it ends with <see cref="FinishReason.Deadline"/> at the latest.</summary>
    public DateTimeOffset? Deadline => _choices[0].Request.Deadline;

    /// <summary>So far; final when the stream has ended.</summary>
    public CompletionUsage Usage
    {
        get
        {
            int prompt = 0;
            int cached = 0;
            int completion = 0;
            for (int i = 0; i < _choices.Length; i++)
            {
                completion += _choices[i].GeneratedTokens;
                if (i % _choicesPerPrompt == 0)
                {
                    prompt += _choices[i].Request.PromptTokens.Count;
                    cached += _choices[i].CachedTokens;
                }
            }

            return new CompletionUsage(prompt, completion, cached);
        }
    }

    /// <summary>
    /// Admits and runs all choices and merges their deltas, each choice's in order. Cancelling
    /// <paramref name="cancellationToken"/> ends every unfinished choice with <see cref="FinishReason.Cancelled"/> and
    /// does not throw; abandoning the enumeration cancels too. When the enumerator is disposed the workers' streams
    /// have ended and admission is released. Runs once.
    /// </summary>
    /// <exception cref="RequestException">
    /// Refused: by admission or by every worker, thrown by the first move; or, with several choices, for one of
    /// them later, after the others were cancelled.
    /// </exception>
    public async IAsyncEnumerable<CompletionDelta> RunAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
        {
            throw new InvalidOperationException($"Completion {Id} has run already.");
        }

        using IDisposable ticket = Admit();
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var channel = Channel.CreateBounded<CompletionDelta>(new BoundedChannelOptions(ChannelCapacity) { SingleReader = true });
        Task running = RunChoicesAsync(channel.Writer, ending);
        try
        {
            while (await channel.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                while (channel.Reader.TryRead(out CompletionDelta? delta))
                {
                    yield return delta;
                }
            }
        }
        finally
        {
            channel.Writer.TryComplete();
            await ending.CancelAsync().ConfigureAwait(false);
            await running.ConfigureAwait(false);
            _context.Metrics.Ended(Model.Id, Usage);
        }
    }

    /// <summary>Runs to the end. Cancelling works as in <see cref="RunAsync"/>.</summary>
    /// <exception cref="RequestException">Refused.</exception>
    public async Task<CompletionResult> CollectAsync(CancellationToken cancellationToken = default)
    {
        var texts = new StringBuilder[_choices.Length];
        var tokens = new List<GeneratedToken>[_choices.Length];
        var choices = new CompletionChoice[_choices.Length];
        for (int i = 0; i < choices.Length; i++)
        {
            texts[i] = new StringBuilder();
            tokens[i] = [];
        }

        await foreach (CompletionDelta delta in RunAsync(cancellationToken).ConfigureAwait(false))
        {
            int i = delta.Choice;
            texts[i].Append(delta.Text);
            tokens[i].AddRange(delta.Tokens);
            if (delta.FinishReason is { } reason)
            {
                choices[i] = new CompletionChoice
                {
                    Choice = i,
                    Text = texts[i].ToString(),
                    Tokens = tokens[i],
                    FinishReason = reason,
                    StopString = delta.StopString,
                    StopToken = delta.StopToken,
                    Error = delta.Error,
                };
            }
        }

        return new CompletionResult(choices, Usage);
    }

    private IDisposable Admit()
    {
        try
        {
            return _context.Admission.Admit(_choices.Length, _choices.Sum(c => (long)c.Request.PromptTokens.Count));
        }
        catch (RequestException refusal)
        {
            _context.Metrics.Refused(refusal.Kind);
            throw;
        }
    }

    /// <summary>Completes the channel when all choices have ended. Does not throw.</summary>
    private async Task RunChoicesAsync(ChannelWriter<CompletionDelta> deltas, CancellationTokenSource ending)
    {
        RequestException? refusal = null;
        await Task.WhenAll(_choices.Select(RunChoiceAsync)).ConfigureAwait(false);
        deltas.TryComplete(refusal);

        async Task RunChoiceAsync(ChoiceStream choice)
        {
            // One choice's worker must not hold up the start of the next.
            await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            try
            {
                await PumpAsync(choice, deltas, ending.Token).ConfigureAwait(false);
            }
            catch (RequestException e)
            {
                _context.Metrics.Refused(e.Kind);
                Interlocked.CompareExchange(ref refusal, e, null);
                await ending.CancelAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Moves one choice's frames from its worker to the channel, until the worker's stream has ended.</summary>
    private async Task PumpAsync(ChoiceStream choice, ChannelWriter<CompletionDelta> deltas, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        GatewayMetrics.ChoiceTimer timer = _context.Metrics.StartChoice(Model.Id, _context.Time);
        IAsyncEnumerator<TokenFrame> frames =
            _context.Cluster.GenerateAsync(choice.Request, ending.Token).GetAsyncEnumerator(CancellationToken.None);
        try
        {
            while (choice.FinishReason is null)
            {
                CompletionDelta? delta = await NextAsync(frames, choice, timer, ending.Token).ConfigureAwait(false);
                if (delta is not null)
                {
                    await deltas.WriteAsync(delta, CancellationToken.None).ConfigureAwait(false);
                }
            }

            timer.Finished(choice.FinishReason.Value);
        }
        catch (ChannelClosedException)
        {
            // The enumeration was abandoned.
            timer.Finished(choice.FinishReason ?? FinishReason.Cancelled);
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            await EndAsync(frames).ConfigureAwait(false);
        }
    }

    /// <returns>null: the frame changes nothing that a client sees.</returns>
    private async ValueTask<CompletionDelta?> NextAsync(
        IAsyncEnumerator<TokenFrame> frames,
        ChoiceStream choice,
        GatewayMetrics.ChoiceTimer timer,
        CancellationToken cancellationToken)
    {
        try
        {
            if (!await frames.MoveNextAsync().ConfigureAwait(false))
            {
                return choice.End(FinishReason.Error, "The worker's stream ended too early.");
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return choice.End(FinishReason.Cancelled);
        }
        catch (Exception e) when (e is not RequestException)
        {
            LogFailure(_context.Logger, e, choice.Request.Id);
            return choice.End(FinishReason.Error, "The worker failed.");
        }

        if (frames.Current.Token is not null)
        {
            timer.Token();
        }

        return choice.Append(frames.Current);
    }

    /// <summary>Reads a cancelled stream to its end: when this returns its blocks are free.</summary>
    private async ValueTask EndAsync(IAsyncEnumerator<TokenFrame> frames)
    {
        try
        {
            while (await frames.MoveNextAsync().ConfigureAwait(false))
            {
            }
        }
        catch (Exception e) when (e is RequestException or OperationCanceledException)
        {
            // The stream has ended all the same.
        }
        catch (Exception e)
        {
            LogFailure(_context.Logger, e, Id);
        }
        finally
        {
            await frames.DisposeAsync().ConfigureAwait(false);
        }
    }

    [LoggerMessage(LogLevel.Error, "Request {Id} failed")]
    private static partial void LogFailure(ILogger logger, Exception exception, string id);
}
