using Crescent.Bench.Engine;
using Crescent.KvCache.Codecs;
using static Crescent.Bench.Cases.BenchContext;

namespace Crescent.Bench.Cases;

/// <summary>What codecs of KV take and give.</summary>
internal static class CodecCases
{
    public static IEnumerable<BenchCase> List()
    {
        foreach (var codec in KvCodecs.All)
        {
            yield return Case(codec.Name, "encode") with { Quick = codec.Name == "delta" };
            yield return Case(codec.Name, "decode") with { Quick = codec.Name == "delta" };
        }
    }

    private static BenchCase Case(string codec, string direction) =>
        new($"codec-{codec}-{direction}", "KV codecs", $"{direction} {codec}, 4 × 64 × 64 BF16 a layer, 1 thread", "MB/s")
        {
            Rounds = 1,
            Subject = _ => ChildAsync(new ChildWork($"codec-{direction}") { Codec = codec, Repeats = 3 }),
        };
}
