using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Crescent.Bench.Llama;

namespace Crescent.Bench.Servers;

/// <summary>llama-server with a slot per sequence.</summary>
internal sealed class LlamaServer : IAsyncDisposable
{
    private const int CachedTokensAtLeast = 1;

    private readonly ServerProcess _server;

    private LlamaServer(ServerProcess server) => _server = server;

    public int ProcessId => _server.ProcessId;

    /// <param name="folder">With the program.</param>
    /// <param name="tokens">Context of each slot.</param>
    /// <param name="states">The folder that slots are saved to and restored from.</param>
    public static async Task<LlamaServer> StartAsync(string folder, string model, int threads, int slots, int tokens, string? states = null)
    {
        int port = FreePort();
        string text(int n) => n.ToString(CultureInfo.InvariantCulture);
        var server = await ServerProcess.StartAsync(
            LlamaBench.Processors(threads),
            Path.Combine(folder, "llama-server"),
            ["-m", model, "-t", text(threads), "-fa", "on", "-np", text(slots), "-c", text(slots * tokens), "--host", "127.0.0.1", "--port", text(port), .. states is null ? Array.Empty<string>() : ["--slot-save-path", states]],
            "/health",
            process =>
            {
                process.OutputDataReceived += (_, _) => { };
                process.BeginOutputReadLine();
                return Task.FromResult(new Uri($"http://127.0.0.1:{port}"));
            });
        return new LlamaServer(server);
    }

    /// <summary>Generates in a slot of its own, greedily.</summary>
    /// <param name="again">The slot holds the prompt's KV from an earlier call: all but the last token must come from there.</param>
    /// <returns>Tokens a second after the first, as the server says.</returns>
    public async Task<double> GenerateAsync(int slot, int[] prompt, int tokens, bool again)
    {
        using var answer = await _server.AskAsync("/completion", new
        {
            prompt,
            n_predict = tokens,
            temperature = 0,
            ignore_eos = true,
            cache_prompt = true,
            id_slot = slot,
        });
        int computed = answer.RootElement.GetProperty("timings").GetProperty("prompt_n").GetInt32();
        int generated = answer.RootElement.GetProperty("tokens_predicted").GetInt32();
        if (generated != tokens || (again && computed > CachedTokensAtLeast))
        {
            throw new BenchException($"llama-server generated {generated} of {tokens} tokens and computed {computed} of {prompt.Length} prompt tokens again");
        }

        return (tokens - 1) / answer.RootElement.GetProperty("timings").GetProperty("predicted_ms").GetDouble() * 1000;
    }

    /// <summary>Saves or restores the KV of slot 0; the file is in the folder given at the start.</summary>
    public Task SlotAsync(string action, string file) => _server.PostAsync($"/slots/0?action={action}", new { filename = file });

    /// <summary>The greedy continuation, and the most likely first tokens with their log probabilities.</summary>
    public async Task<(int[] Tokens, Dictionary<int, double> First)> AnswerAsync(int[] prompt, int tokens, int likely)
    {
        using var answer = await _server.AskAsync("/completion", new
        {
            prompt,
            n_predict = tokens,
            temperature = 0,
            n_probs = likely,
            return_tokens = true,
        });
        var first = answer.RootElement.GetProperty("completion_probabilities")[0].GetProperty("top_logprobs");
        return (
            [.. answer.RootElement.GetProperty("tokens").EnumerateArray().Select(token => token.GetInt32())],
            first.EnumerateArray().ToDictionary(token => token.GetProperty("id").GetInt32(), token => token.GetProperty("logprob").GetDouble()));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
