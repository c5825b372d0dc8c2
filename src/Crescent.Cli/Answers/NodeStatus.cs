namespace Crescent.Cli.Answers;

/// <param name="State">ready, loading or draining.</param>
internal sealed record NodeStatus(string Url, string State, IReadOnlyList<ModelStatus> Models)
{
    /// <exception cref="CliException">No answer, or not from a node.</exception>
    public static async Task<NodeStatus> ReadAsync(NodeClient client, CancellationToken cancellationToken)
    {
        string state = await client.GetStateAsync(cancellationToken);
        var models = await client.GetModelsAsync(cancellationToken);
        var metrics = PrometheusText.Parse(await client.GetMetricsAsync(cancellationToken));
        return new NodeStatus(client.Url, state, [.. models.Select(model => ModelStatus.Read(model, metrics))]);
    }
}

/// <summary>One model's gauges, and counters since its server started. null: the server does not tell (yet).</summary>
internal sealed record ModelStatus(string Id, int? ContextLength)
{
    public double? Running { get; init; }

    public double? Waiting { get; init; }

    /// <summary>Share of the blocks that running requests hold, 0 to 1.</summary>
    public double? KvUsage { get; init; }

    public int? KvBlocks { get; init; }

    public int? BlockSize { get; init; }

    public double Requests { get; init; }

    public double PromptTokens { get; init; }

    public double CachedTokens { get; init; }

    public double GeneratedTokens { get; init; }

    /// <summary>Seconds.</summary>
    public double? MeanTimeToFirstToken { get; init; }

    /// <summary>Seconds.</summary>
    public double? MeanInterTokenLatency { get; init; }

    public static ModelStatus Read(RemoteModel model, PrometheusText metrics)
    {
        double? Sum(string name) => metrics.Sum(name, "model", model.Id);
        double? Mean(string name) => Sum($"{name}_sum") / Sum($"{name}_count");
        int? Label(string label) => int.TryParse(metrics.Label("crescent_cache_config_info", "model", model.Id, label), out int value) ? value : null;
        return new ModelStatus(model.Id, model.ContextLength)
        {
            Running = Sum("crescent_requests_running"),
            Waiting = Sum("crescent_requests_waiting"),
            KvUsage = Sum("crescent_kv_cache_usage_ratio"),
            KvBlocks = Label("num_gpu_blocks"),
            BlockSize = Label("block_size"),
            Requests = Sum("crescent_requests_total") ?? 0,
            PromptTokens = Sum("crescent_prompt_tokens_total") ?? 0,
            CachedTokens = Sum("crescent_cached_prompt_tokens_total") ?? 0,
            GeneratedTokens = Sum("crescent_generated_tokens_total") ?? 0,
            MeanTimeToFirstToken = Mean("crescent_time_to_first_token_seconds"),
            MeanInterTokenLatency = Mean("crescent_inter_token_latency_seconds"),
        };
    }
}
