using Crescent.Bench.Engine;
using Crescent.Bench.Reporting;
using Crescent.Bench.Servers;
using static Crescent.Bench.Cases.BenchContext;

namespace Crescent.Bench.Cases;

/// <summary>Everything that is measured, in the order of the tables.</summary>
internal static class AllCases
{
    public const string DecodeGroup = "Decode";
    public const string PrefillGroup = "Prefill";
    private const string TokensPerSecond = "tokens/s";

    public static readonly DType[] Formats = [DType.Q8_0, DType.BF16, DType.F16, DType.Q4_K];
    private static readonly DType[] TargetFormats = [DType.Q8_0, DType.BF16, DType.F16];

    /// <summary>DType has the format's name once the engine reads it.</summary>
    public static IReadOnlyList<BenchCase> List() =>
    [
        .. LimitCases.Machine(),
        .. Decodes(),
        .. Prefills(),
        .. ServingCases.List(),
        .. LimitCases.Kernels(),
        .. CodecCases.List(),
    ];

    /// <summary>What llama.cpp and Crescent both read, timed by each.</summary>
    private static BenchCase Compared(string id, string group, ModelName model, int threads, string configuration) =>
        new(id, group, $"{model.Shape}, {model.Format}, {Threads(threads)}, {configuration}", TokensPerSecond) { Model = model };

    public static string Threads(int threads) => threads == 1 ? "1 thread" : $"{threads} threads";

    private static IEnumerable<BenchCase> Decodes()
    {
        foreach (int threads in (int[])[2, 1])
        {
            foreach (var format in Formats)
            {
                yield return Decode(new("S", format), threads, 0) with { Quick = threads == 2 && format is DType.Q8_0 or DType.BF16 };
                yield return Decode(new("B", format), threads, 0);
            }

            foreach (var format in TargetFormats)
            {
                yield return Decode(new("S", format), threads, 8192) with { Quick = threads == 2 && format == DType.Q8_0 };
            }
        }

        foreach (var format in (DType[])[DType.Q8_0, DType.BF16])
        {
            yield return Decode(new("S", format), 2, 32_768);
            yield return Decode(new("S", format), 1, 32_768);
            yield return Decode(new("G", format), 2, 0);
        }

        foreach (int depth in (int[])[8192, 32_768])
        {
            yield return Decode(new("S", DType.Q8_0), 2, depth, DType.Q8_0);
        }

        foreach (int depth in (int[])[2048, 16_384, 65_536, 131_072])
        {
            yield return Decode(new("S", DType.Q8_0), 2, depth);
        }
    }

    /// <param name="kv">Of Crescent; llama.cpp keeps F16, which is its fastest.</param>
    private static BenchCase Decode(ModelName model, int threads, int depth, DType kv = DType.BF16)
    {
        // llama-bench would prefill in every process; beyond 32K not even one prefill is waited for.
        bool deep = depth > 4096;
        int repeats = model.Shape == "S" ? 3 : 2;
        var (suffix, note) = kv == DType.BF16 ? ("", "") : ($"-kv{kv}", $", KV {kv} in Crescent");
        return Compared($"decode-{model}-t{threads}-d{depth}{suffix}", DecodeGroup, model, threads, $"depth {depth:N0}{note}") with
        {
            Rounds = deep ? 2 : repeats,
            Target = DecodeTarget(model, depth, note),
            Subject = context => ChildAsync(new ChildWork("decode")
            {
                Model = context.Model(model),
                Threads = threads,
                Kv = kv,
                Size = depth,
                Repeats = repeats,
            }),
            Reference = depth > 32_768 ? null
                : deep ? context => DeepDecode.MeasureAsync(context, model, threads, depth, repeats: 2)
                : context => context.LlamaBench.DecodeAsync(context.Model(model), threads, depth, repeats),
        };
    }

    private static Target? DecodeTarget(ModelName model, int depth, string kv) => (model.Shape, depth, TargetFormats.Contains(model.Format)) switch
    {
        ("S" or "B", 0, true) => new Target("decode, depth 0, S and B", AtLeastRatio: 1.15),
        ("S", 8192, true) => new Target("decode, depth 8,192, S" + kv, AtLeastRatio: 5),
        ("S", 32_768, true) => new Target("decode, depth 32,768, S" + kv, AtLeastRatio: 10),
        _ => null,
    };

    private static IEnumerable<BenchCase> Prefills()
    {
        foreach (int threads in (int[])[2, 1])
        {
            foreach (var format in Formats)
            {
                yield return Prefill(new("S", format), threads, 512) with { Quick = threads == 2 && format is DType.Q8_0 or DType.BF16 };
            }

            foreach (var format in threads == 2 ? Formats : [DType.Q8_0, DType.BF16])
            {
                yield return Prefill(new("B", format), threads, 512);
            }

            foreach (var format in TargetFormats)
            {
                yield return Prefill(new("S", format), threads, 4096) with { Quick = threads == 2 && format == DType.Q8_0 };
            }
        }

        yield return Prefill(new("G", DType.Q8_0), 2, 512);
        yield return Prefill(new("G", DType.BF16), 2, 512);
        yield return Prefill(new("S", DType.Q8_0), 2, 16_384);
        yield return Prefill(new("S", DType.BF16), 2, 16_384);
        yield return Prefill(new("S", DType.Q8_0), 1, 16_384);
    }

    private static BenchCase Prefill(ModelName model, int threads, int tokens)
    {
        int rounds = tokens > 4096 ? 1 : model.Shape == "B" || tokens > 512 ? 2 : 3;
        int repeats = model.Shape == "S" && tokens == 512 ? 4 : 1;
        return Compared($"prefill-{model}-t{threads}-p{tokens}", PrefillGroup, model, threads, $"{tokens:N0} tokens") with
        {
            Rounds = rounds,
            Target = PrefillTarget(model, tokens),
            Subject = context => ChildAsync(new ChildWork("prefill")
            {
                Model = context.Model(model),
                Threads = threads,
                Size = tokens,
                Repeats = repeats,
            }),
            Reference = context => context.LlamaBench.PrefillAsync(context.Model(model), threads, tokens, repeats),
        };
    }

    private static Target? PrefillTarget(ModelName model, int tokens) => (model.Shape, tokens, TargetFormats.Contains(model.Format)) switch
    {
        ("S" or "B", 512, true) => new Target("prefill 512, S and B", AtLeastRatio: 1.5),
        ("S", _, true) => new Target("prefill 4,096 and 16,384, S", AtLeastRatio: 2.5),
        _ => null,
    };
}
