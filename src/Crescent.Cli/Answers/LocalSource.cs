using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu;
using Crescent.Cluster.Local;
using Crescent.Evaluation.Measures;
using Crescent.Evaluation.Running;
using Crescent.Gateway.Generation;
using Crescent.Server;
using Microsoft.Extensions.Logging;

namespace Crescent.Cli.Answers;

/// <summary>A model in this process.</summary>
internal sealed class LocalSource : IAnswerSource
{
    private readonly LoadedModel _loaded;
    private readonly CompletionPipeline _pipeline;

    private LocalSource(NodeOptions options, LoadedModel loaded)
    {
        _loaded = loaded;
        KvType = options.KvType;
        var cluster = new LocalCluster();
        cluster.Add(loaded.Model, loaded.Worker);
        _pipeline = new CompletionPipeline(cluster, options.Gateway);
    }

    public string Model => _loaded.Model.Id;

    public int ContextLength => _loaded.Model.ContextLength;

    public DType KvType { get; }

    /// <summary>Bytes of K and V that one position has in all layers.</summary>
    public long KvBytesPerToken => _loaded.KvBytesPerToken;

    /// <summary>Whether it can take messages.</summary>
    public bool HasChatTemplate
    {
        get
        {
            try
            {
                Tokenize(new Prompt.Messages([new ChatMessage("user", "?")]));
                return true;
            }
            catch (RequestException e) when (e.Code == "chat_template_missing")
            {
                return false;
            }
        }
    }

    /// <exception cref="CliException">The model cannot be served.</exception>
    public static LocalSource Open(NodeOptions options, ILoggerFactory loggers) =>
        new(options, ModelLoading.Load(options.ModelPath, () => LoadedModel.Open(options, loggers)));

    /// <summary>64 hexadecimal digits that stand for the model's weights, config and tokenizer.</summary>
    public async Task<string> FingerprintAsync(CancellationToken cancellationToken) =>
        (await _loaded.Fingerprint.WaitAsync(cancellationToken)).ToString();

    /// <summary>The ids a prompt becomes.</summary>
    /// <exception cref="RequestException">The model cannot take such a prompt.</exception>
    public IReadOnlyList<int> Tokenize(Prompt prompt) => _pipeline.Tokenize(Model, prompt);

    /// <summary>Takes measures on a text, with a backend of their own.</summary>
    public void Measure(string text, MeasureRun run, CancellationToken cancellationToken)
    {
        var tokenizer = _loaded.Model.Tokenizer;
        int[] tokens = [.. tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false)];
        var special = tokenizer.Encode("", addSpecialTokens: true, parseSpecialTokens: false);
        _loaded.Lend((file, backend) => run.Run(new MeasureInput<CpuTensor>(backend, file, tokens)
        {
            FirstToken = special.Length > 0 ? special[0] : null,
            Cancellation = cancellationToken,
        }));
    }

    public async IAsyncEnumerable<AnswerPart> AskAsync(
        CompletionRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var completion = _pipeline.Prepare(request with { Model = Model });
        await foreach (var delta in completion.RunAsync(cancellationToken))
        {
            var usage = completion.Usage;
            yield return new AnswerPart
            {
                Text = delta.Text,
                PrefilledTokens = delta.PrefilledTokens,
                PromptTokens = usage.PromptTokens,
                End = delta.FinishReason is { } reason ? new AnswerEnd(reason, usage, delta.Error) : null,
            };
        }
    }

    public ValueTask DisposeAsync()
    {
        _loaded.Dispose();
        return ValueTask.CompletedTask;
    }
}
