using System.Globalization;
using System.Text.Json;
using Crescent.Bench.Llama;

namespace Crescent.Bench.Servers;

/// <summary><c>crescent serve</c>, with the settings it has by itself.</summary>
internal sealed class CrescentServer : IAsyncDisposable
{
    private readonly ServerProcess _server;
    private readonly string _model;

    private CrescentServer(ServerProcess server, string model)
    {
        _server = server;
        _model = model;
    }

    /// <param name="program">The CLI.</param>
    public static async Task<CrescentServer> StartAsync(string program, string model, int threads)
    {
        string name = "";
        var server = await ServerProcess.StartAsync(
            LlamaBench.Processors(threads),
            program,
            ["serve", "--model", model, "--threads", threads.ToString(CultureInfo.InvariantCulture), "--port", "0", "--grpc-port", "0", "--json"],
            "/health/ready",
            async process =>
            {
                var line = await process.StandardOutput.ReadLineAsync() ?? throw new BenchException("crescent serve ended before it was ready");
                using var report = JsonDocument.Parse(line);
                name = report.RootElement.GetProperty("model").GetString()!;
                return new Uri(report.RootElement.GetProperty("http").GetString()!);
            });
        return new CrescentServer(server, name);
    }

    public int ProcessId => _server.ProcessId;

    /// <summary>Generates greedily.</summary>
    /// <returns>Prompt tokens that came from the prefix cache. What was cached before the model's fingerprint was known is not found after.</returns>
    public async Task<int> GenerateAsync(int[] prompt, int tokens)
    {
        using var answer = await _server.AskAsync("/v1/completions", new
        {
            model = _model,
            prompt,
            max_tokens = tokens,
            temperature = 0,
            ignore_eos = true,
        });
        var usage = answer.RootElement.GetProperty("usage");
        int generated = usage.GetProperty("completion_tokens").GetInt32();
        return generated == tokens
            ? usage.GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32()
            : throw new BenchException($"crescent serve generated {generated} of {tokens} tokens");
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
