using System.Diagnostics.Metrics;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Metrics;

/// <summary>
/// The gateway's instruments, on its own <see cref="Meter"/> named "Crescent". Names are those a Prometheus scrape
/// shows. The gauges have the meaning the Kubernetes InferencePool asks for: requests waiting and running in the
/// workers, and the share of KV blocks that running requests hold.
/// </summary>
public sealed class GatewayMetrics : IDisposable
{
    private static readonly double[] TimeBuckets =
        [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500];

    private static readonly double[] TokenTimeBuckets =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private readonly ICluster _cluster;
    private readonly Counter<long> _promptTokens;
    private readonly Counter<long> _cachedTokens;
    private readonly Counter<long> _generatedTokens;
    private readonly Counter<long> _requests;
    private readonly Counter<long> _refused;
    private readonly Histogram<double> _timeToFirstToken;
    private readonly Histogram<double> _interTokenLatency;
    private readonly Histogram<double> _requestLatency;

    public GatewayMetrics(ICluster cluster)
    {
        _cluster = cluster;
        Meter = new Meter("Crescent");
        Meter.CreateObservableGauge(
            "crescent_requests_running", () => PerModel(w => w.RunningRequests), null, "Requests in the running batches.");
        Meter.CreateObservableGauge(
            "crescent_requests_waiting", () => PerModel(w => w.WaitingRequests), null, "Requests that wait for a place in a batch.");
        Meter.CreateObservableGauge(
            "crescent_kv_cache_usage_ratio", KvCacheUsage, null, "Share of KV blocks held by running requests, 0 to 1.");
        Meter.CreateObservableGauge(
            "crescent_cache_config_info", CacheConfig, null, "Always 1; the labels tell how the KV cache is laid out.");
        Meter.CreateObservableGauge("crescent_kv_tier_bytes", () => PerTier(t => t.Bytes), null, "Bytes that a tier below the device holds.");
        Meter.CreateObservableGauge("crescent_kv_tier_capacity_bytes", () => PerTier(t => t.CapacityBytes), null, "Bytes that it may hold.");
        Meter.CreateObservableCounter("crescent_kv_tier_hits_total", () => PerTier(t => t.Hits), null, "Blocks that were read from it.");
        Meter.CreateObservableCounter("crescent_kv_tier_misses_total", () => PerTier(t => t.Misses), null, "Blocks that were asked of it in vain.");
        Meter.CreateObservableCounter("crescent_kv_tier_writes_total", () => PerTier(t => t.Writes), null, "Blocks that were stored in it.");
        Meter.CreateObservableCounter("crescent_kv_tier_evictions_total", () => PerTier(t => t.Evictions), null, "Blocks that gave way to others.");
        Meter.CreateObservableCounter("crescent_kv_tier_failures_total", TierFailures, null, "What went wrong in it, by reason; corrupt records among them.");
        Meter.CreateObservableCounter(
            "crescent_kv_offloaded_tokens_total", () => PerModel(w => w.OffloadedTokens), null, "Tokens whose KV was copied out for the tiers.");
        Meter.CreateObservableCounter(
            "crescent_kv_promoted_tokens_total", () => PerModel(w => w.PromotedTokens), null, "Tokens whose KV came from the tiers.");
        _promptTokens = Meter.CreateCounter<long>("crescent_prompt_tokens_total", null, "Prompt tokens of ended requests.");
        _cachedTokens = Meter.CreateCounter<long>(
            "crescent_cached_prompt_tokens_total", null, "Prompt tokens of ended requests that the prefix cache had.");
        _generatedTokens = Meter.CreateCounter<long>("crescent_generated_tokens_total", null, "Tokens generated.");
        _requests = Meter.CreateCounter<long>("crescent_requests_total", null, "Choices that ended, by finish reason.");
        _refused = Meter.CreateCounter<long>("crescent_requests_refused_total", null, "Requests that were not admitted, by reason.");
        _timeToFirstToken = Histogram("crescent_time_to_first_token_seconds", "Seconds from admission to the first token.", TimeBuckets);
        _interTokenLatency = Histogram("crescent_inter_token_latency_seconds", "Seconds between two tokens of a choice.", TokenTimeBuckets);
        _requestLatency = Histogram("crescent_e2e_request_latency_seconds", "Seconds from admission to the end of a choice.", TimeBuckets);
    }

    internal Meter Meter { get; }

    public void Dispose() => Meter.Dispose();

    internal void Refused(RefusalKind kind) => _refused.Add(1, Tag("reason", kind.ToString().ToLowerInvariant()));

    internal void Ended(string model, CompletionUsage usage)
    {
        _promptTokens.Add(usage.PromptTokens, Tag("model", model));
        _cachedTokens.Add(usage.CachedTokens, Tag("model", model));
    }

    internal ChoiceTimer StartChoice(string model, TimeProvider time) => new(this, model, time);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private Histogram<double> Histogram(string name, string description, double[] buckets) =>
        Meter.CreateHistogram(name, null, description, null, new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets });

    private IEnumerable<Measurement<long>> PerModel(Func<WorkerStatus, long> value) =>
        from worker in _cluster.GetStatus().Workers
        group value(worker) by worker.Model into model
        select new Measurement<long>(model.Sum(), Tag("model", model.Key));

    private IEnumerable<Measurement<long>> PerTier(Func<TierStatus, long> value) =>
        from worker in _cluster.GetStatus().Workers
        from tier in worker.Tiers
        group value(tier.Value) by (worker.Model, Tier: tier.Key) into same
        select new Measurement<long>(same.Sum(), Tag("model", same.Key.Model), Tag("tier", same.Key.Tier));

    private IEnumerable<Measurement<long>> TierFailures() =>
        from worker in _cluster.GetStatus().Workers
        from tier in worker.Tiers
        from failure in tier.Value.Failures
        group failure.Value by (worker.Model, Tier: tier.Key, Reason: failure.Key) into same
        select new Measurement<long>(same.Sum(), Tag("model", same.Key.Model), Tag("tier", same.Key.Tier), Tag("reason", same.Key.Reason));

    private IEnumerable<Measurement<double>> KvCacheUsage() =>
        from worker in _cluster.GetStatus().Workers
        group worker by worker.Model into model
        let total = model.Sum(w => (long)w.TotalBlocks)
        select new Measurement<double>(
            total == 0 ? 0 : (double)model.Sum(w => (long)w.ActiveBlocks) / total, Tag("model", model.Key));

    private IEnumerable<Measurement<long>> CacheConfig() =>
        from worker in _cluster.GetStatus().Workers
        group worker by (worker.Model, worker.BlockSize) into model
        select new Measurement<long>(
            1,
            Tag("model", model.Key.Model),
            Tag("block_size", $"{model.Key.BlockSize}"),
            Tag("num_gpu_blocks", $"{model.Sum(w => (long)w.TotalBlocks)}"));

    /// <summary>Times one choice, from its making. Not safe for concurrent use.</summary>
    internal sealed class ChoiceTimer(GatewayMetrics metrics, string model, TimeProvider time)
    {
        private readonly long _start = time.GetTimestamp();
        private long? _lastToken;

        public void Token()
        {
            long now = time.GetTimestamp();
            metrics._generatedTokens.Add(1, Tag("model", model));
            Histogram<double> histogram = _lastToken is null ? metrics._timeToFirstToken : metrics._interTokenLatency;
            histogram.Record(time.GetElapsedTime(_lastToken ?? _start, now).TotalSeconds, Tag("model", model));
            _lastToken = now;
        }

        public void Finished(FinishReason reason)
        {
            metrics._requests.Add(1, Tag("model", model), Tag("finish_reason", reason.ToString().ToLowerInvariant()));
            metrics._requestLatency.Record(time.GetElapsedTime(_start).TotalSeconds, Tag("model", model));
        }
    }
}
