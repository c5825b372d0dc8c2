using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Grpc;

/// <summary>Translates between the wire's messages and the pipeline's records.</summary>
internal static class GrpcMessages
{
    public static CompletionRequest ToCompletionRequest(GenerateRequest request, string tenant, DateTime deadline) => new()
    {
        Model = request.Model,
        Prompts = [ToPrompt(request.Input)],
        Sampling = ToOverrides(request.Sampling ?? new SamplingParameters()),
        MaxTokens = request.HasMaxTokens ? request.MaxTokens : null,
        Stop = request.Stop,
        StopTokenIds = request.StopTokenIds,
        TopLogprobs = request.HasTopLogprobs ? request.TopLogprobs : null,
        N = request.HasN ? request.N : 1,
        Seed = request.HasSeed ? request.Seed : null,
        IgnoreEos = request.IgnoreEos,
        Priority = request.Priority,
        CacheSalt = request.HasCacheSalt ? request.CacheSalt : null,
        Deadline = deadline == DateTime.MaxValue ? null : new DateTimeOffset(deadline),
        Tenant = tenant,
    };

    /// <exception cref="RequestException">There is none.</exception>
    public static Prompt ToPrompt(Input? input) => input?.KindCase switch
    {
        Input.KindOneofCase.Text => new Prompt.Text(input.Text),
        Input.KindOneofCase.Tokens => new Prompt.Tokens(input.Tokens.Ids),
        Input.KindOneofCase.Conversation => new Prompt.Messages(
            [.. input.Conversation.Messages.Select(message => new ChatMessage(message.Role, message.Content))],
            input.Conversation.HasEnableThinking ? input.Conversation.EnableThinking : null),
        _ => throw new RequestException(
            RefusalKind.Invalid, "'input' must be text, a conversation or tokens.", "input", "missing_required_parameter"),
    };

    public static Chunk ToChunk(CompletionDelta delta)
    {
        var chunk = new Chunk
        {
            Choice = delta.Choice,
            Text = delta.Text,
            PrefilledTokens = delta.PrefilledTokens,
            FinishReason = ToFinishReason(delta.FinishReason),
        };
        foreach (var token in delta.Tokens)
        {
            chunk.Tokens.Add(ToToken(token));
        }

        if (delta.StopString is { } text)
        {
            chunk.StopString = text;
        }

        if (delta.StopToken is { } id)
        {
            chunk.StopTokenId = id;
        }

        return chunk;
    }

    public static Summary ToSummary(Completion completion) => new()
    {
        Id = completion.Id,
        Model = completion.Model.Id,
        Seed = completion.Seed,
        Usage = new Usage
        {
            PromptTokens = completion.Usage.PromptTokens,
            CompletionTokens = completion.Usage.CompletionTokens,
            CachedTokens = completion.Usage.CachedTokens,
        },
    };

    public static Model ToModel(ServedModel model) => new()
    {
        Id = model.Id,
        Created = model.Created.ToUnixTimeSeconds(),
        ContextLength = model.ContextLength,
    };

    public static Worker ToWorker(WorkerStatus status) => new()
    {
        Model = status.Model,
        NumericsId = status.NumericsId,
        Draining = status.Draining,
        RunningRequests = status.RunningRequests,
        WaitingRequests = status.WaitingRequests,
        WaitingTokens = status.WaitingTokens,
        BlockSize = status.BlockSize,
        TotalBlocks = status.TotalBlocks,
        FreeBlocks = status.FreeBlocks,
        CachedBlocks = status.CachedBlocks,
        ActiveBlocks = status.ActiveBlocks,
        WeightBytes = status.WeightBytes,
        KvBytes = status.KvBytes,
        PrefixQueriedTokens = status.PrefixQueriedTokens,
        PrefixHitTokens = status.PrefixHitTokens,
        PrefilledTokens = status.PrefilledTokens,
        GeneratedTokens = status.GeneratedTokens,
        Preemptions = status.Preemptions,
        Steps = status.Steps,
        OffloadedTokens = status.OffloadedTokens,
        PromotedTokens = status.PromotedTokens,
        Tiers = { status.Tiers.Select(tier => ToTier(tier.Key, tier.Value)) },
    };

    private static Tier ToTier(string name, TierStatus status) => new()
    {
        Name = name,
        Records = status.Records,
        Bytes = status.Bytes,
        CapacityBytes = status.CapacityBytes,
        Hits = status.Hits,
        Misses = status.Misses,
        Writes = status.Writes,
        Evictions = status.Evictions,
        Failures = { status.Failures.ToDictionary() },
    };

    private static SamplingOverrides ToOverrides(SamplingParameters sampling) => new()
    {
        Temperature = sampling.HasTemperature ? sampling.Temperature : null,
        TopK = sampling.HasTopK ? sampling.TopK : null,
        TopP = sampling.HasTopP ? sampling.TopP : null,
        MinP = sampling.HasMinP ? sampling.MinP : null,
        RepetitionPenalty = sampling.HasRepetitionPenalty ? sampling.RepetitionPenalty : null,
        PresencePenalty = sampling.HasPresencePenalty ? sampling.PresencePenalty : null,
        FrequencyPenalty = sampling.HasFrequencyPenalty ? sampling.FrequencyPenalty : null,
        LogitBias = sampling.LogitBias.Count > 0 ? new Dictionary<int, float>(sampling.LogitBias) : null,
    };

    private static Token ToToken(GeneratedToken generated)
    {
        var token = new Token { Id = generated.Id };
        if (generated.Logprob is { } logprob)
        {
            token.Logprob = logprob;
        }

        foreach (var (id, value) in generated.TopLogprobs)
        {
            token.TopLogprobs.Add(new TokenLogprob { Id = id, Logprob = value });
        }

        return token;
    }

    private static FinishReason ToFinishReason(Crescent.FinishReason? reason) => reason switch
    {
        null => FinishReason.Unspecified,
        Crescent.FinishReason.Stop => FinishReason.Stop,
        Crescent.FinishReason.Length => FinishReason.Length,
        Crescent.FinishReason.Cancelled => FinishReason.Cancelled,
        Crescent.FinishReason.Deadline => FinishReason.Deadline,
        Crescent.FinishReason.Drained => FinishReason.Drained,
        Crescent.FinishReason.Error => FinishReason.Error,
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, null),
    };
}
