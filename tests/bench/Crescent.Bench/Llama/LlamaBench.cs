using System.Globalization;
using System.Text.Json;
using Crescent.Bench.Os;

namespace Crescent.Bench.Llama;

/// <summary>Runs llama.cpp's own benchmark, flash attention on.</summary>
/// <param name="folder">With the programs.</param>
internal sealed class LlamaBench(string folder)
{
    private const int WarmUpTokens = 32;
    private const int Generated = 64;

    /// <summary>Prompt tokens a second.</summary>
    public Task<double[]> PrefillAsync(string model, int threads, int tokens, int repeats) =>
        tokens > 1024
            ? RunAsync(model, threads, repeats, tokens, ["-p", $"{WarmUpTokens},{tokens}", "-n", "0", "--no-warmup"])
            : RunAsync(model, threads, repeats, tokens, ["-p", $"{tokens}", "-n", "0"]);

    /// <summary>Generated tokens a second behind so many prefilled positions; it prefills them once.</summary>
    public Task<double[]> DecodeAsync(string model, int threads, int depth, int repeats) =>
        RunAsync(model, threads, repeats, 0, ["-p", "0", "-n", $"{Generated}", "-d", $"{depth}"]);

    private async Task<double[]> RunAsync(string model, int threads, int repeats, int prompt, string[] what)
    {
        string count(int n) => n.ToString(CultureInfo.InvariantCulture);
        var output = await Tool.RunAsync(
            Processors(threads),
            Path.Combine(folder, "llama-bench"),
            ["-m", model, "-t", count(threads), "-r", count(repeats), "-fa", "1", "-o", "jsonl", .. what]);
        foreach (var line in output.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var test = JsonDocument.Parse(line);
            if (test.RootElement.GetProperty("n_prompt").GetInt32() == prompt)
            {
                return [.. test.RootElement.GetProperty("samples_ts").EnumerateArray().Select(value => value.GetDouble())];
            }
        }

        throw new BenchException("llama-bench printed no result");
    }

    /// <summary>Both processors for two threads; for one the last, which serves fewer interrupts.</summary>
    public static string Processors(int threads) =>
        threads >= CpuUse.Processors ? $"0-{CpuUse.Processors - 1}" : $"{CpuUse.Processors - threads}-{CpuUse.Processors - 1}";
}
