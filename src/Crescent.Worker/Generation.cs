using System.Threading.Channels;
using Crescent.Models.Sampling;
using Crescent.Scheduling;

namespace Crescent.Worker;

/// <summary>
/// A request inside the worker: the scheduler's sequence, and where its frames go. Everything but
/// <see cref="Frames"/> belongs to the engine's thread.
/// </summary>
internal sealed class Generation(Sequence sequence)
{
    // Bounded by the request: one frame per token, one per prefill step, one at the end. A slow reader holds nothing up.
    // A frame goes into a segment that is used again as it is read: only what a reader lags behind takes memory.
    private readonly Channel<TokenFrame> _frames =
        Channel.CreateUnbounded<TokenFrame>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = true });

    public Sequence Sequence { get; } = sequence;

    public GenerateRequest Request => Sequence.Request;

    public ChannelReader<TokenFrame> Frames => _frames.Reader;

    /// <summary>Null when no penalty of the request needs it.</summary>
    public TokenCounts? Counts { get; } = TokenCounts.Needed(sequence.Request.Sampling)
        ? new TokenCounts(sequence.Request.PromptTokens, sequence.Request.GeneratedTokens, sequence.ReservedTokens)
        : null;

    public bool Ended { get; private set; }

    public void Progress() => _frames.Writer.TryWrite(Frame());

    public void Token(SampledToken sampled, FinishReason? reason)
    {
        Counts?.Add(sampled.Token);
        Write(Frame() with
        {
            Position = Sequence.GeneratedTokens - 1,
            Token = sampled.Token,
            Logprob = sampled.Logprob,
            TopLogprobs = sampled.TopLogprobs,
            FinishReason = reason,
        });
    }

    public void End(FinishReason reason, string? error = null) => Write(Frame() with { FinishReason = reason, Error = error });

    private void Write(TokenFrame frame)
    {
        _frames.Writer.TryWrite(frame);
        if (frame.FinishReason is not null)
        {
            Ended = true;
            _frames.Writer.Complete();
        }
    }

    private TokenFrame Frame() => new()
    {
        Attempt = Request.Attempt,
        Position = Sequence.GeneratedTokens,
        PrefilledTokens = Math.Min(Sequence.Computed, Sequence.PromptTokens),
        CachedTokens = Sequence.CachedTokens ?? 0,
    };
}
