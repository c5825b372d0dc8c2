using System.Collections.Frozen;
using System.Security.Cryptography;
using Crescent.Gateway.Admission;
using Crescent.Gateway.Metrics;
using Crescent.Gateway.Templates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Crescent.Gateway.Generation;

/// <summary>
/// The one way from a client's request to its text, whatever the surface: resolve the model, template and tokenize,
/// validate, admit, generate, detokenize, stop. HTTP, gRPC and the CLI differ only in how they read requests and
/// write deltas. Safe for concurrent use.
/// </summary>
public sealed class CompletionPipeline
{
    private readonly ICluster _cluster;
    private readonly GatewayOptions _options;
    private readonly GatewayLifetime _lifetime;
    private readonly TimeProvider _time;
    private readonly GatewayMetrics _metrics;
    private readonly ILogger _logger;

    /// <param name="lifetime">null: never drains.</param>
    public CompletionPipeline(
        ICluster cluster,
        GatewayOptions options,
        GatewayLifetime? lifetime = null,
        TimeProvider? time = null,
        GatewayMetrics? metrics = null,
        ILogger<CompletionPipeline>? logger = null)
    {
        _cluster = cluster;
        _options = options;
        _lifetime = lifetime ?? new GatewayLifetime();
        _time = time ?? TimeProvider.System;
        _metrics = metrics ?? new GatewayMetrics(cluster);
        _logger = logger ?? NullLogger<CompletionPipeline>.Instance;
        Admission = new AdmissionControl(options);
    }

    public AdmissionControl Admission { get; }

    /// <summary>
    /// Resolves, templates, tokenizes and validates. Nothing is held afterwards: what comes back costs nothing until
    /// <see cref="Completion.RunAsync"/>.
    /// </summary>
    /// <exception cref="RequestException">The request is wrong, or cannot be served now.</exception>
    public Completion Prepare(CompletionRequest request)
    {
        try
        {
            return PrepareOrRefuse(request);
        }
        catch (RequestException refusal)
        {
            _metrics.Refused(refusal.Kind);
            throw;
        }
    }

    /// <summary>The token ids a prompt becomes.</summary>
    /// <exception cref="RequestException">No such model, or it cannot take such a prompt.</exception>
    public IReadOnlyList<int> Tokenize(string model, Prompt prompt) => Tokenize(FindModel(model), prompt);

    /// <exception cref="RequestException">No such model, or none is loaded yet.</exception>
    public ServedModel FindModel(string id)
    {
        IReadOnlyList<ServedModel> models = _cluster.Models;
        foreach (ServedModel model in models)
        {
            if (string.Equals(model.Id, id, StringComparison.Ordinal))
            {
                return model;
            }
        }

        throw models.Count == 0
            ? new RequestException(RefusalKind.Unavailable, "The model is still loading.", code: "model_loading")
            {
                RetryAfter = TimeSpan.FromSeconds(5),
            }
            : new RequestException(
                RefusalKind.NotFound,
                $"There is no model '{Shorten(id)}' here; ask for one of: {string.Join(", ", models.Select(m => m.Id))}.",
                "model",
                "model_not_found");
    }

    private Completion PrepareOrRefuse(CompletionRequest request)
    {
        ThrowIfDraining();
        RequestValidator.Validate(request, _options);
        ServedModel model = FindModel(request.Model);
        RequestValidator.ValidateTokens(request, model);
        Admission.ThrowIfFull();

        var prompts = new IReadOnlyList<int>[request.Prompts.Count];
        for (int p = 0; p < prompts.Length; p++)
        {
            prompts[p] = Tokenize(model, request.Prompts[p]);
        }

        string id = Guid.NewGuid().ToString("N");
        ulong seed = request.Seed ?? BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        return new Completion(
            new CompletionContext(_cluster, Admission, _metrics, _time, _logger),
            id,
            model,
            request,
            seed,
            CreateChoices(id, model, request, prompts, seed));
    }

    private GenerateRequest[] CreateChoices(
        string id,
        ServedModel model,
        CompletionRequest request,
        IReadOnlyList<int>[] prompts,
        ulong seed)
    {
        SamplingParameters sampling = RequestValidator.Resolve(request, model.DefaultSampling, seed);
        FrozenSet<int> stops = (request.IgnoreEos ? request.StopTokenIds : request.StopTokenIds.Concat(model.EosTokens))
            .ToFrozenSet();
        DateTimeOffset latest = _time.GetUtcNow() + _options.MaxRequestTime;
        var choices = new GenerateRequest[prompts.Length * request.N];
        for (int i = 0; i < choices.Length; i++)
        {
            IReadOnlyList<int> prompt = prompts[i / request.N];
            choices[i] = new GenerateRequest
            {
                Id = $"{id}-{i}",
                Model = model.Id,
                PromptTokens = prompt,
                Choice = i % request.N,
                Sampling = sampling,
                MaxTokens = FitMaxTokens(prompt.Count, request, model),
                StopTokens = stops,
                Priority = request.Priority,
                Deadline = request.Deadline < latest ? request.Deadline : latest,
                Tenant = request.Tenant,
                CacheSalt = request.CacheSalt,
            };
        }

        return choices;
    }

    private static int FitMaxTokens(int promptTokens, CompletionRequest request, ServedModel model)
    {
        int room = model.ContextLength - promptTokens;
        if (room < 1)
        {
            throw ContextExceeded(
                $"The prompt has {promptTokens} tokens, which leaves no room for an answer in the model's context of {model.ContextLength} tokens.",
                request.Prompts[0] is Prompt.Messages ? "messages" : "prompt");
        }

        if (request.MaxTokens > room)
        {
            throw ContextExceeded(
                $"The prompt's {promptTokens} tokens and max_tokens {request.MaxTokens} together exceed the model's context of {model.ContextLength} tokens; max_tokens can be at most {room}.",
                "max_tokens");
        }

        return request.MaxTokens ?? room;

        static RequestException ContextExceeded(string message, string param) =>
            new(RefusalKind.Invalid, message, param, "context_length_exceeded");
    }

    private IReadOnlyList<int> Tokenize(ServedModel model, Prompt prompt)
    {
        IReadOnlyList<int> tokens = prompt switch
        {
            Prompt.Text text => model.Tokenizer.Encode(text.Value, addSpecialTokens: true, parseSpecialTokens: true),
            Prompt.Tokens ids => ids.Ids,
            Prompt.Messages messages => ChatTemplate.Encode(model, messages, _time.GetLocalNow()),
            _ => throw new ArgumentException($"No such kind of prompt: {prompt.GetType()}.", nameof(prompt)),
        };
        return tokens.Count > 0
            ? tokens
            : throw new RequestException(RefusalKind.Invalid, "'prompt' must have at least one token.", "prompt");
    }

    private void ThrowIfDraining()
    {
        if (_lifetime.Draining)
        {
            throw new RequestException(RefusalKind.Unavailable, "The server is shutting down.", code: "draining")
            {
                RetryAfter = TimeSpan.FromSeconds(1),
            };
        }
    }

    private static string Shorten(string text) => text.Length <= 64 ? text : text[..64] + "…";
}
