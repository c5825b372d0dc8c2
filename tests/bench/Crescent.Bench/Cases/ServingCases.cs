using System.Diagnostics;
using Crescent.Bench.Engine;
using Crescent.Bench.Llama;
using Crescent.Bench.Models;
using Crescent.Bench.Os;
using Crescent.Bench.Reporting;
using Crescent.Bench.Servers;
using static Crescent.Bench.Cases.BenchContext;

namespace Crescent.Bench.Cases;

/// <summary>What only whole processes show: many sequences at once, a shared processor, memory, start.</summary>
internal static class ServingCases
{
    private const int Sequences = 16;
    private const int Depth = 1024;
    private const int Tokens = 128;
    private const int MemoryPrompt = 512;
    private const int MemoryTokens = 64;
    private const int MemoryContext = 2048;

    public static IEnumerable<BenchCase> List()
    {
        foreach (var format in (DType[])[DType.Q8_0, DType.BF16])
        {
            yield return Concurrent(new("S", format), overHttp: false) with { Quick = format == DType.Q8_0 };
            yield return Concurrent(new("S", format), overHttp: true);
        }

        yield return SharedCore(new("S", DType.Q8_0), "Crescent", (context, model) => ChildAsync(new ChildWork("decode")
        {
            Model = context.Model(model),
            Threads = 2,
            Repeats = 3,
        }));
        yield return SharedCore(new("S", DType.Q8_0), "llama.cpp", (context, model) => context.LlamaBench.DecodeAsync(context.Model(model), 2, 0, 3));
        foreach (var format in (DType[])[DType.Q8_0, DType.BF16])
        {
            yield return Memory(new("B", format));
            yield return Start(new("B", format), folder: false);
        }

        yield return Start(new("B", DType.BF16), folder: true);
    }

    private static BenchCase Concurrent(ModelName model, bool overHttp)
    {
        string how = overHttp ? "crescent serve over HTTP" : "the worker in process";
        return new BenchCase(
            $"concurrent-{model}-t2-{(overHttp ? "http" : "worker")}", "16 sequences at once", $"{model.Shape}, {model.Format}, 2 threads, depth {Depth:N0}, {how}", "tokens/s")
        {
            Model = model,
            ReferenceName = "llama-server",
            Rounds = 2,
            Target = new Target("16 concurrent decodes at depth 1,024, aggregate", AtLeastRatio: 1.5),
            Reference = async context =>
            {
                await using var server = await LlamaServer.StartAsync(context.Llama, context.Model(model), 2, Sequences, Depth + Tokens + 64);
                return await AggregateAsync(context.Model(model), server.GenerateAsync);
            },
            Subject = overHttp
                ? async context =>
                {
                    await using var server = await CrescentServer.StartAsync(context.Cli, context.Model(model), 2);
                    return await AggregateAsync(context.Model(model), async (_, prompt, tokens, again) =>
                    {
                        int cached = await server.GenerateAsync(prompt, tokens);
                        if (again && cached != Depth)
                        {
                            throw new BenchException($"crescent serve found {cached} of {Depth} prompt tokens in its cache");
                        }
                    });
                }
            : context => ChildAsync(new ChildWork("concurrent")
            {
                Model = context.Model(model),
                Threads = 2,
                Sequences = Sequences,
                Size = Depth,
                Tokens = Tokens,
                Repeats = 3,
            }),
        };
    }

    /// <summary>Has a server prefill the prompts, then answer all of them at once: generated tokens by the time of the slowest.</summary>
    private static async Task<double[]> AggregateAsync(string model, Func<int, int[], int, bool, Task> generate)
    {
        var random = new Prompts(model);
        var prompts = Enumerable.Range(0, Sequences).Select(_ => random.Next(Depth + 1)).ToArray();
        for (int i = 0; i < Sequences; i++)
        {
            await generate(i, prompts[i], 1, false);
        }

        await Task.WhenAll(prompts.Select((prompt, i) => generate(i, prompt, 8, false)));
        var rates = new double[2];
        for (int repeat = 0; repeat < rates.Length; repeat++)
        {
            long started = Stopwatch.GetTimestamp();
            await Task.WhenAll(prompts.Select((prompt, i) => generate(i, prompt, Tokens, true)));
            rates[repeat] = Sequences * Tokens / Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        return rates;
    }

    private static BenchCase SharedCore(ModelName model, string engine, Func<BenchContext, ModelName, Task<double[]>> decode) =>
        new($"shared-core-{model}-t2-{engine}", "Another process busy on one of two processors", $"{model.Shape}, {model.Format}, 2 threads, decode at depth 0", "tokens/s")
        {
            Model = model,
            SubjectName = $"{engine}, sharing",
            ReferenceName = $"{engine}, alone",
            Rounds = 2,
            Target = engine == "Crescent" ? new Target("decode beside a busy process, of alone", AtLeastRatio: 0.5) : null,
            Reference = context => decode(context, model),
            Subject = async context =>
            {
                using var spinner = Tool.Start("1", "/bin/sh", ["-c", "while :; do :; done"]);
                try
                {
                    return await decode(context, model);
                }
                finally
                {
                    await Tool.StopAsync(spinner);
                }
            },
        };

    private static BenchCase Memory(ModelName model) =>
        new($"memory-{model}", "Resident memory beyond weights and KV", $"{model.Shape}, {model.Format}, server after two answers of {MemoryPrompt} + {MemoryTokens} tokens", "MB")
        {
            Model = model,
            ReferenceName = "llama-server",
            Rounds = 1,
            Target = new Target("resident memory beyond weights and KV, MB", AtMost: 150),
            Subject = async context =>
            {
                string path = context.Model(model);
                await using var server = await CrescentServer.StartAsync(context.Cli, path, 2);
                var prompt = new Prompts(path).Next(MemoryPrompt);
                await server.GenerateAsync(prompt, MemoryTokens);
                int cached = await server.GenerateAsync(prompt, MemoryTokens);
                return Beyond(server.ProcessId, path, model, (cached > 0 ? 1 : 2) * (MemoryPrompt + MemoryTokens));
            },
            Reference = async context =>
            {
                string path = context.Model(model);
                await using var server = await LlamaServer.StartAsync(context.Llama, path, 2, slots: 1, MemoryContext);
                var prompt = new Prompts(path).Next(MemoryPrompt);
                await server.GenerateAsync(0, prompt, MemoryTokens, again: false);
                await server.GenerateAsync(0, prompt, MemoryTokens, again: true);
                return Beyond(server.ProcessId, path, model, MemoryContext);
            },
        };

    /// <summary>Resident megabytes without the mapped model and so many positions of 2-byte KV.</summary>
    private static double[] Beyond(int process, string path, ModelName model, int positions)
    {
        var config = BenchShape.Named(model.Shape).Config;
        long kv = 2L * 2 * config.Layers * config.KvHeads * config.HeadDim * positions;
        var memory = ProcessMemory.Read($"{process}", path);
        return [(memory.ResidentBytes - memory.FileBytes - kv) / 1e6];
    }

    private static BenchCase Start(ModelName model, bool folder) =>
        new(
            $"start-{model}{(folder ? "-safetensors" : "")}",
            "Process start to first token, whole process",
            $"{model.Shape}, {model.Format}, 2 threads, {(folder ? "safetensors" : "GGUF")} in the page cache",
            "s")
        {
            Model = model,
            ReferenceName = "llama-bench -p 1",
            Rounds = 3,
            Target = new Target("start to first token, B, s", AtMost: 1.5),
            Subject = context => ElapsedAsync(
                context.Cli, ["generate", "once", "--model", folder ? context.Folder(model) : context.Model(model), "--max-tokens", "1"]),
            Reference = context => ElapsedAsync(
                Path.Combine(context.Llama, "llama-bench"), ["-m", context.Model(model), "-t", "2", "-p", "1", "-n", "0", "-r", "1", "--no-warmup"]),
        };

    private static async Task<double[]> ElapsedAsync(string program, string[] arguments)
    {
        long started = Stopwatch.GetTimestamp();
        await Tool.RunAsync(LlamaBench.Processors(2), program, arguments);
        return [Stopwatch.GetElapsedTime(started).TotalSeconds];
    }
}
