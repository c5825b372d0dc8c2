using Crescent.Bench.Engine;
using Crescent.Bench.Reporting;
using Crescent.Models.Weights;
using static Crescent.Bench.Cases.BenchContext;

namespace Crescent.Bench.Cases;

/// <summary>The machine's own limits, and how near kernels come to them.</summary>
internal static class LimitCases
{
    private const int Repeats = 3;

    public static IEnumerable<BenchCase> Machine()
    {
        foreach (int threads in (int[])[1, 2])
        {
            yield return Limit($"machine-read-t{threads}", $"memory read, 1 GiB once, {AllCases.Threads(threads)}", "GB/s", "read", threads);
            yield return Limit($"machine-fma-t{threads}", $"fp32 FMA peak, {AllCases.Threads(threads)}", "GFLOP/s", "fma", threads);
        }
    }

    public static IEnumerable<BenchCase> Kernels()
    {
        foreach (var format in (DType[])[DType.Q8_0, DType.BF16])
        {
            yield return DecodeBandwidth(new("B", format), 0, DType.BF16);
            yield return DecodeBandwidth(new("S", DType.Q8_0), 32_768, format);
        }

        foreach (int threads in (int[])[2, 1])
        {
            foreach (var format in AllCases.Formats)
            {
                yield return Gemm("B gate", format, threads, 2048, 8192) with { Quick = threads == 2 && format == DType.BF16 };
                yield return Gemv("B gate", format, threads, 2048, 8192);
            }
        }

        foreach (var format in (DType[])[DType.BF16, DType.Q8_0])
        {
            yield return Gemm("S gate", format, 2, 768, 2048);
            yield return Gemm("B down", format, 2, 8192, 2048);
        }
    }

    private static BenchCase Limit(string id, string configuration, string unit, string kind, int threads) =>
        new(id, "This machine", configuration, unit)
        {
            SubjectName = "this machine",
            Rounds = 1,
            Quick = true,
            Subject = _ => ChildAsync(new ChildWork(kind) { Threads = threads, Repeats = 5 }),
        };

    /// <summary>What decode reads of weights and KV by its own rate, of what memory gives.</summary>
    private static BenchCase DecodeBandwidth(ModelName model, int depth, DType kv) =>
        new($"bandwidth-{model}-t2-d{depth}-kv{kv}", "Near the limits", $"{model.Shape}, {model.Format}, 2 threads: weights and KV ({kv}) read by decode at depth {depth:N0}", "GB/s")
        {
            Model = model,
            ReferenceName = "memory read",
            Rounds = 2,
            Target = model.Shape == "B" ? new Target("decode bandwidth, depth 0, B", AtLeastRatio: 0.85) : null,
            Reference = _ => ChildAsync(new ChildWork("read") { Threads = 2, Repeats = Repeats }),
            Subject = async context =>
            {
                string path = context.Model(model);
                using var file = ModelFile.Open(path);
                var config = file.Config;
                long bytes = file.WeightBytes + (2 * kv.RowBytes((long)config.Layers * config.KvHeads * config.HeadDim * depth));
                var rates = await ChildAsync(new ChildWork("decode") { Model = path, Threads = 2, Size = depth, Kv = kv, Repeats = Repeats });
                return Array.ConvertAll(rates, rate => rate * bytes / 1e9);
            },
        };

    private static BenchCase Gemm(string name, DType format, int threads, int inputs, int outputs) =>
        new($"gemm-{name.Replace(' ', '-')}-{format}-t{threads}", "Near the limits", $"{name}: 512 × {inputs:N0} by {outputs:N0}, {format}, {AllCases.Threads(threads)}", "GFLOP/s")
        {
            ReferenceName = "fp32 FMA peak",
            Rounds = 1,
            Target = format == DType.Q4_K ? null : new Target("GEMM, of the measured fp32 FMA peak", AtLeastRatio: 0.6),
            Reference = _ => ChildAsync(new ChildWork("fma") { Threads = threads, Repeats = Repeats }),
            Subject = Linear("gemm", format, threads, 512, inputs, outputs),
        };

    private static BenchCase Gemv(string name, DType format, int threads, int inputs, int outputs) =>
        new($"gemv-{name.Replace(' ', '-')}-{format}-t{threads}", "Near the limits", $"{name}: 1 × {inputs:N0} by {outputs:N0}, weights not cached, {format}, {AllCases.Threads(threads)}", "GB/s")
        {
            ReferenceName = "memory read",
            Rounds = 1,
            Reference = _ => ChildAsync(new ChildWork("read") { Threads = threads, Repeats = Repeats }),
            Subject = Linear("gemv", format, threads, 1, inputs, outputs),
        };

    private static Func<BenchContext, Task<double[]>>? Linear(string kind, DType format, int threads, int rows, int inputs, int outputs) =>
        _ => ChildAsync(new ChildWork(kind)
        {
            Threads = threads,
            Format = format,
            Size = rows,
            Inputs = inputs,
            Outputs = outputs,
            Repeats = Repeats,
        });
}
