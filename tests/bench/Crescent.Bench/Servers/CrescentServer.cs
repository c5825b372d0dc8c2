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
    /// <param name="again">The prompt was sent before: its full blocks must come from the prefix cache.</param>
    public async Task GenerateAsync(int[] prompt, int tokens, bool again)
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
        int cached = usage.TryGetProperty("prompt_tokens_details", out var details) ? details.GetProperty("cached_tokens").GetInt32() : 0;
        if (generated != tokens || (again && cached < (prompt.Length - 1) / 64 * 64))
        {
            throw new BenchException($"crescent serve generated {generated} of {tokens} tokens and found {cached} of {prompt.Length} prompt tokens in its cache");
        }
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
