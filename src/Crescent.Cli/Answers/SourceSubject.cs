using System.Diagnostics;
using System.Text;
using Crescent.Evaluation;
using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tasks;
using Crescent.Gateway.Generation;

namespace Crescent.Cli.Answers;

/// <summary>A source under evaluation.</summary>
/// <param name="chat">Whether it takes messages; else it continues text.</param>
internal abstract class SourceSubject(IAnswerSource source, bool chat) : ISubject
{
    public string Model => source.Model;

    public abstract string Identity { get; }

    public abstract string KvType { get; }

    public abstract long? KvBytesPerToken { get; }

    public abstract int? ContextLength { get; }

    public abstract Task<CountTokens> CountLikeAsync((RecallPrompt Bare, RecallPrompt Filled) samples, CancellationToken cancellationToken);

    public async Task<Reply> AskAsync(RecallPrompt prompt, int maxTokens, CancellationToken cancellationToken)
    {
        var request = new CompletionRequest
        {
            Model = Model,
            Prompts = [ToPrompt(prompt)],
            MaxTokens = maxTokens,
            Sampling = new SamplingOverrides { Temperature = 0, RepetitionPenalty = 1 },
        };
        var text = new StringBuilder();
        var watch = Stopwatch.StartNew();
        TimeSpan? first = null;
        AnswerEnd? end = null;
        await foreach (var part in source.AskAsync(request, cancellationToken))
        {
            first ??= part.Text.Length > 0 ? watch.Elapsed : null;
            text.Append(part.Text);
            end = part.End;
        }

        var total = watch.Elapsed;
        cancellationToken.ThrowIfCancellationRequested();
        if (end is not { Reason: FinishReason.Stop or FinishReason.Length })
        {
            throw new EvaluationException($"an answer broke off: {end?.Error ?? end?.Reason.ToString()}");
        }

        var usage = end.Usage ?? throw new EvaluationException("the server does not tell how many tokens an answer took");
        return new Reply(text.ToString(), usage.PromptTokens, usage.CachedTokens, usage.CompletionTokens, first, total);
    }

    /// <summary>A model that could think aloud is asked not to: there is no room for it.</summary>
    protected Prompt ToPrompt(RecallPrompt prompt) => chat
        ? new Prompt.Messages([new ChatMessage("user", prompt.UserMessage)], EnableThinking: false)
        : new Prompt.Text(prompt.Completion);
}

/// <summary>A model in this process; tokens are counted by its tokenizer.</summary>
internal sealed class LocalSubject : SourceSubject
{
    private readonly LocalSource _source;

    private LocalSubject(LocalSource source, string fingerprint)
        : base(source, source.HasChatTemplate)
    {
        _source = source;
        Identity = fingerprint;
    }

    public override string Identity { get; }

    public override string KvType => _source.KvType.ToString().ToLowerInvariant();

    public override long? KvBytesPerToken => _source.KvBytesPerToken;

    public override int? ContextLength => _source.ContextLength;

    public static async Task<LocalSubject> OpenAsync(LocalSource source, CancellationToken cancellationToken) =>
        new(source, await source.FingerprintAsync(cancellationToken));

    public override Task<CountTokens> CountLikeAsync((RecallPrompt Bare, RecallPrompt Filled) samples, CancellationToken cancellationToken) =>
        Task.FromResult<CountTokens>(prompt => _source.Tokenize(ToPrompt(prompt)).Count);
}

/// <summary>A model behind a URL; tokens are counted by what the server says of samples.</summary>
internal sealed class RemoteSubject : SourceSubject
{
    /// <summary>All but empty: what it takes is the template's.</summary>
    private static readonly RecallPrompt Shortest = new("", "?");

    private readonly RemoteSource _source;
    private int _templateTokens;

    private RemoteSubject(RemoteSource source, bool chat, int? contextLength)
        : base(source, chat)
    {
        _source = source;
        ContextLength = contextLength;
    }

    public override string Identity => $"{Model} at {_source.Url}";

    public override string KvType => "server";

    public override long? KvBytesPerToken => null;

    public override int? ContextLength { get; }

    /// <summary>Finds out whether the model chats.</summary>
    /// <exception cref="CliException">It answers neither way.</exception>
    public static async Task<RemoteSubject> OpenAsync(RemoteSource source, CancellationToken cancellationToken)
    {
        int? contextLength = await source.ContextLengthAsync(cancellationToken);
        CliException? refusal = null;
        foreach (bool chat in (bool[])[true, false])
        {
            var subject = new RemoteSubject(source, chat, contextLength);
            try
            {
                var reply = await subject.AskAsync(Shortest, maxTokens: 1, cancellationToken);
                subject._templateTokens = reply.PromptTokens;
                return subject;
            }
            catch (CliException e)
            {
                refusal ??= e;
            }
        }

        throw refusal!;
    }

    /// <summary>A line through both samples; shorter prompts than they lie on one from nothing to the first.</summary>
    public override async Task<CountTokens> CountLikeAsync((RecallPrompt Bare, RecallPrompt Filled) samples, CancellationToken cancellationToken)
    {
        var bare = await AskAsync(samples.Bare, maxTokens: 1, cancellationToken);
        var filled = await AskAsync(samples.Filled, maxTokens: 1, cancellationToken);
        int start = Bytes(samples.Bare);
        double perByte = (double)(bare.PromptTokens - _templateTokens) / start;
        int filler = Math.Max(filled.PromptTokens - bare.PromptTokens, 1);

        // More filler may have more tokens to the byte than the sample's; the shorter that is, the less it tells.
        double margin = 1.02 + (0.6 / Math.Sqrt(filler));
        double perFiller = margin * filler / Math.Max(Bytes(samples.Filled) - start, 1);
        return prompt => _templateTokens
            + (int)Math.Ceiling((perByte * Math.Min(Bytes(prompt), start)) + (perFiller * Math.Max(Bytes(prompt) - start, 0)));
    }

    private static int Bytes(RecallPrompt prompt) => Encoding.UTF8.GetByteCount(prompt.UserMessage);
}
