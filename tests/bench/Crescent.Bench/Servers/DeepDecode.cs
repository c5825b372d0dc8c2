using System.Globalization;
using Crescent.Bench.Cases;
using Crescent.Bench.Engine;
using Crescent.Bench.Models;

namespace Crescent.Bench.Servers;

/// <summary>
/// llama.cpp's decode behind a long prompt. The KV of a shape and a depth is prefilled once and kept in the cache folder:
/// llama-server restores it for every format and number of threads, since what it holds does not change how long it takes.
/// </summary>
internal static class DeepDecode
{
    /// <summary>The format llama.cpp prefills fastest.</summary>
    private const DType PrefillFormat = DType.BF16;
    private const int Generated = 64;
    private const int Threads = 2;

    public static async Task<double[]> MeasureAsync(BenchContext context, ModelName model, int threads, int depth, int repeats)
    {
        var states = Directory.CreateDirectory(Path.Combine(context.Cache, "states")).FullName;
        var file = string.Create(CultureInfo.InvariantCulture, $"{model.Shape}-{BenchShape.Seed}-{depth}.bin");
        var prompt = new Prompts(context.Model(model)).Next(depth + 1);
        int tokens = depth + Generated + 64;
        if (!File.Exists(Path.Combine(states, file)))
        {
            context.Say($"    llama.cpp prefills {depth:N0} tokens, once; this takes minutes");
            await using var prefilling = await LlamaServer.StartAsync(context.Llama, context.Model(model with { Format = PrefillFormat }), Threads, 1, tokens, states);
            await prefilling.GenerateAsync(0, prompt, 1, again: false);
            await prefilling.SlotAsync("save", file + ".unfinished");
            File.Move(Path.Combine(states, file + ".unfinished"), Path.Combine(states, file));
        }

        await using var server = await LlamaServer.StartAsync(context.Llama, context.Model(model), threads, 1, tokens, states);
        await server.SlotAsync("restore", file);
        await server.GenerateAsync(0, prompt, 4, again: true);
        var rates = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            rates[i] = await server.GenerateAsync(0, prompt, Generated, again: true);
        }

        return rates;
    }
}
