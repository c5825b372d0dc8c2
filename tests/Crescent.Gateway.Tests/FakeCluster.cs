using System.Runtime.CompilerServices;
using System.Text;

namespace Crescent.Gateway.Tests;

/// <summary>Runs generations by script: seeded letters unless told otherwise. Keeps the contract of <see cref="ICluster"/>.</summary>
internal sealed class FakeCluster : ICluster
{
    public const string ModelId = "fake/model";
    public const int Eos = 0;

    private int _running;
    private int _started;
    private int _ended;

    public FakeCluster(string? chatTemplate = "<|im_start|>", int contextLength = 512)
    {
        Models = [CreateModel(ModelId, chatTemplate, contextLength)];
    }

    public IReadOnlyList<ServedModel> Models { get; set; }

    /// <summary>The token at a position. <see cref="Eos"/> ends a generation that does not ignore it.</summary>
    public Func<GenerateRequest, int, int> Script { get; set; } = SeededLetter;

    /// <summary>Awaited before each token, with its position.</summary>
    public Func<GenerateRequest, int, Task> BeforeToken { get; set; } = (_, _) => Task.CompletedTask;

    /// <summary>Called first; may throw.</summary>
    public Action<GenerateRequest> OnStart { get; set; } = _ => { };

    /// <summary>How a generation ends at a position, in place of a token there.</summary>
    public Func<GenerateRequest, int, FinishReason?> EndAt { get; set; } = (_, _) => null;

    /// <summary>Frames without a token before the first token.</summary>
    public int PrefillFrames { get; set; }

    public int CachedTokens { get; set; }

    /// <summary>Of every token.</summary>
    public float Logprob { get; set; } = -0.5f;

    public ClusterStatus Status { get; set; } = new() { Workers = [] };

    public List<GenerateRequest> Requests { get; } = [];

    public int Running => Volatile.Read(ref _running);

    public int Started => Volatile.Read(ref _started);

    public int Ended => Volatile.Read(ref _ended);

    public ClusterStatus GetStatus() => Status;

    /// <summary>A script that says this text and stops.</summary>
    public FakeCluster Says(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Script = (_, position) => position < bytes.Length ? bytes[position] : Eos;
        return this;
    }

    public static ServedModel CreateModel(string id, string? chatTemplate, int contextLength) => new()
    {
        Id = id,
        Created = DateTimeOffset.UnixEpoch.AddDays(1),
        Tokenizer = new ByteTokenizer("<|im_start|>", "<|im_end|>"),
        ContextLength = contextLength,
        ChatTemplate = chatTemplate,
        EosTokens = [Eos],
    };

    /// <summary>A function of (seed, choice, position).</summary>
    public static int SeededLetter(GenerateRequest request, int position) =>
        'a' + new Random(HashCode(request.Sampling.Seed, request.Choice, position)).Next(26);

    public async IAsyncEnumerable<TokenFrame> GenerateAsync(
        GenerateRequest request,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        lock (Requests)
        {
            Requests.Add(request);
        }

        OnStart(request);
        Interlocked.Increment(ref _running);
        Interlocked.Increment(ref _started);
        try
        {
            for (int i = 1; i <= PrefillFrames; i++)
            {
                yield return Frame(0) with { PrefilledTokens = request.PromptTokens.Count * i / PrefillFrames };
            }

            for (int position = 0; ; position++)
            {
                Task before = BeforeToken(request, position);
                if (!before.IsCompleted)
                {
                    await Task.WhenAny(before, Task.Delay(Timeout.Infinite, cancellationToken));
                }

                if (cancellationToken.IsCancellationRequested)
                {
                    yield return Frame(position) with { FinishReason = FinishReason.Cancelled };
                    yield break;
                }

                await before;
                TokenFrame frame = Next(request, position);
                yield return frame;
                if (frame.FinishReason is not null)
                {
                    yield break;
                }
            }
        }
        finally
        {
            Interlocked.Decrement(ref _running);
            Interlocked.Increment(ref _ended);
        }
    }

    private TokenFrame Next(GenerateRequest request, int position)
    {
        if (EndAt(request, position) is { } reason)
        {
            return Frame(position) with { FinishReason = reason, Error = reason == FinishReason.Error ? "The device is gone." : null };
        }

        int token = Script(request, position);
        return Frame(position) with
        {
            Token = token,
            Logprob = request.Sampling.TopLogprobs is null ? null : Logprob,
            TopLogprobs = [.. Enumerable.Range(0, request.Sampling.TopLogprobs ?? 0).Select(i => new TokenLogprob(token + i, Logprob - i))],
            FinishReason = request.StopTokens.Contains(token) ? FinishReason.Stop
                : position + 1 >= request.MaxTokens ? FinishReason.Length
                : null,
        };
    }

    private TokenFrame Frame(int position) => new() { Attempt = 0, Position = position, CachedTokens = CachedTokens };

    private static int HashCode(ulong seed, int choice, int position)
    {
        unchecked
        {
            return (int)((seed * 0x9E3779B97F4A7C15 + (ulong)choice * 0xBF58476D1CE4E5B9 + (ulong)position * 0x94D049BB133111EB) >> 31);
        }
    }
}
