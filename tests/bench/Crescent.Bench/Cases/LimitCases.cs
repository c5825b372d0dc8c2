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
        foreach (var format in (string[])["Q8_0", "BF16"])
        {
            yield return DecodeBandwidth(new("B", format));
        }

        foreach (int threads in (int[])[2, 1])
        {
            foreach (var format in (string[])["BF16", "F16", "Q8_0", "Q4_K"])
            {
                yield return Gemm("B gate", format, threads, 2048, 8192) with { Quick = threads == 2 && format == "BF16" };
                yield return Gemv("B gate", format, threads, 2048, 8192);
            }
        }

        foreach (var format in (string[])["BF16", "Q8_0"])
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

    private static BenchCase DecodeBandwidth(ModelName model) =>
        new($"bandwidth-{model}-t2", "Near the limits", $"{model.Shape}, {model.Format}, 2 threads: weights read by decode at depth 0", "GB/s")
        {
            Model = model,
            ReferenceName = "memory read",
            Rounds = 2,
            Target = new Target("decode bandwidth, depth 0, B", AtLeastRatio: 0.85),
            Reference = _ => ChildAsync(new ChildWork("read") { Threads = 2, Repeats = Repeats }),
            Subject = async context =>
            {
                string path = context.Model(model);
                using var file = ModelFile.Open(path);
                var rates = await ChildAsync(new ChildWork("decode") { Model = path, Threads = 2, Repeats = Repeats });
                return Array.ConvertAll(rates, rate => rate * file.WeightBytes / 1e9);
            },
        };

    private static BenchCase Gemm(string name, string format, int threads, int inputs, int outputs) =>
        new($"gemm-{name.Replace(' ', '-')}-{format}-t{threads}", "Near the limits", $"{name}: 512 × {inputs:N0} by {outputs:N0}, {format}, {AllCases.Threads(threads)}", "GFLOP/s")
        {
            ReferenceName = "fp32 FMA peak",
            Rounds = 1,
            Target = format == "Q4_K" ? null : new Target("GEMM, of the measured fp32 FMA peak", AtLeastRatio: 0.6),
            Reference = _ => ChildAsync(new ChildWork("fma") { Threads = threads, Repeats = Repeats }),
            Subject = Linear("gemm", format, threads, 512, inputs, outputs),
        };

    private static BenchCase Gemv(string name, string format, int threads, int inputs, int outputs) =>
        new($"gemv-{name.Replace(' ', '-')}-{format}-t{threads}", "Near the limits", $"{name}: 1 × {inputs:N0} by {outputs:N0}, weights not cached, {format}, {AllCases.Threads(threads)}", "GB/s")
        {
            ReferenceName = "memory read",
            Rounds = 1,
            Reference = _ => ChildAsync(new ChildWork("read") { Threads = threads, Repeats = Repeats }),
            Subject = Linear("gemv", format, threads, 1, inputs, outputs),
        };

    private static Func<BenchContext, Task<double[]>>? Linear(string kind, string format, int threads, int rows, int inputs, int outputs) =>
        !AllCases.Reads(format) ? null : _ => ChildAsync(new ChildWork(kind)
        {
            Threads = threads,
            Format = format,
            Size = rows,
            Inputs = inputs,
            Outputs = outputs,
            Repeats = Repeats,
        });
}
