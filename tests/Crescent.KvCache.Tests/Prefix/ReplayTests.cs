using Crescent.KvCache.Prefix;
using Crescent.Testing;
using Xunit.Abstractions;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>
/// Whole workloads through the cache alone. The trace has 12,031 requests with 288,500 blocks, 182,790 of them distinct;
/// every block costs the same here, so that hits are what counts.
/// </summary>
public class ReplayTests(ITestOutputHelper output)
{
    private static readonly Lazy<Workload> Trace = new(() => Workload.Trace(SharedTraces.Find(SharedTraces.MooncakeConversation)!));

    [SharedTraceFact(SharedTraces.MooncakeConversation)]
    public void With_room_for_all_blocks_the_trace_hits_what_an_infinite_cache_does()
    {
        var trace = Trace.Value;

        Assert.Equal(182_790, trace.DistinctBlocks);
        Assert.Equal(36.6, 100 * trace.Replay(trace.DistinctBlocks, new CostEviction(), PrefillCost.Flat).Blocks, 0.05);
        Assert.Equal(36.6, 100 * trace.ReplayClairvoyant(trace.DistinctBlocks), 0.05);
    }

    [SharedTraceFact(SharedTraces.MooncakeConversation)]
    public void At_a_tenth_of_the_blocks_cost_closes_a_fifth_of_the_gap_between_lru_and_clairvoyance()
    {
        var (lru, cost, clairvoyant) = Rates(Trace.Value, share: 0.1);

        Assert.Equal(27.9, lru, 0.05);
        Assert.InRange(cost - lru, 1.5, 3);
        Assert.InRange((cost - lru) / (clairvoyant - lru), 0.2, 0.3);
    }

    [SharedTraceTheory(SharedTraces.MooncakeConversation)]
    [InlineData(0.02, 1)]
    [InlineData(0.05, 1.5)]
    [InlineData(0.2, 0)]
    [InlineData(0.5, 0)]
    public void On_the_trace_cost_beats_lru_at_other_sizes(double share, double least)
    {
        var (lru, cost, _) = Rates(Trace.Value, share);

        Assert.InRange(cost - lru, least, 10);
    }

    [SharedTraceFact(SharedTraces.MooncakeConversation)]
    public void Where_deep_blocks_cost_more_cost_saves_more_seconds_than_lru()
    {
        var trace = Trace.Value;
        var deep = new PrefillCost(1, 512 / 4000.0);

        var lru = trace.Replay(trace.DistinctBlocks / 10, new LruEviction(), deep);
        var cost = trace.Replay(trace.DistinctBlocks / 10, new CostEviction(), deep);

        output.WriteLine($"seconds saved: LRU {100 * lru.Seconds:F2} %, cost {100 * cost.Seconds:F2} %; blocks: cost {100 * cost.Blocks:F2} %");
        Assert.InRange(cost.Seconds, lru.Seconds + 0.01, 1);
    }

    public static TheoryData<string> Synthetic => ["many turns", "few turns", "documents", "popular documents", "changing documents"];

    [Theory]
    [MemberData(nameof(Synthetic))]
    public void On_other_workloads_cost_is_never_worse_than_lru_by_half_a_point(string name)
    {
        var workload = name switch
        {
            "many turns" => Workload.Conversations(seed: 1, count: 600, another: 0.85, pause: 60),
            "few turns" => Workload.Conversations(seed: 2, count: 2000, another: 0.4, pause: 400),
            "documents" => Workload.Documents(seed: 3, count: 600, skew: 0.7, drifts: false),
            "popular documents" => Workload.Documents(seed: 4, count: 600, skew: 1.1, drifts: false),
            _ => Workload.Documents(seed: 5, count: 600, skew: 1, drifts: true),
        };
        foreach (double share in new[] { 0.05, 0.1, 0.2, 0.5 })
        {
            var (lru, cost, _) = Rates(workload, share);
            Assert.InRange(cost - lru, -0.5, 100);
        }
    }

    private (double Lru, double Cost, double Clairvoyant) Rates(Workload workload, double share)
    {
        int blocks = (int)(workload.DistinctBlocks * share);
        double lru = 100 * workload.Replay(blocks, new LruEviction(), PrefillCost.Flat).Blocks;
        double lfu = 100 * workload.Replay(blocks, new LfuEviction(), PrefillCost.Flat).Blocks;
        double cost = 100 * workload.Replay(blocks, new CostEviction(), PrefillCost.Flat).Blocks;
        double clairvoyant = 100 * workload.ReplayClairvoyant(blocks);
        output.WriteLine(
            $"{share:P0} of {workload.DistinctBlocks} blocks: LRU {lru:F2}, LFU {lfu:F2}, cost {cost:F2}, clairvoyant {clairvoyant:F2}; "
            + $"share of the gap {(cost - lru) / (clairvoyant - lru):P1}");
        return (lru, cost, clairvoyant);
    }
}
