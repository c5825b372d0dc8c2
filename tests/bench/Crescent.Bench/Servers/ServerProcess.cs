using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Crescent.Bench.Os;

namespace Crescent.Bench.Servers;

/// <summary>A server of either engine in a process of its own, asked over loopback HTTP.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly HttpClient _client;

    private ServerProcess(Process process, Uri address)
    {
        _process = process;
        _client = new HttpClient { BaseAddress = address, Timeout = Timeout.InfiniteTimeSpan };
    }

    public int ProcessId => _process.Id;

    /// <summary>Starts a server and waits until its health is good.</summary>
    /// <param name="health">The path that tells.</param>
    /// <param name="address">Where it serves; may read its output.</param>
    public static async Task<ServerProcess> StartAsync(
        string processors, string program, IEnumerable<string> arguments, string health, Func<Process, Task<Uri>> address)
    {
        var process = Tool.Start(processors, program, arguments);
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var started = Stopwatch.GetTimestamp();
        var server = new ServerProcess(process, await address(process));
        while (!await server.HealthyAsync(health))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(started) > StartLimit)
            {
                await server.DisposeAsync();
                throw new BenchException($"{Path.GetFileName(program)} did not start serving");
            }

            await Task.Delay(100);
        }

        return server;
    }

    /// <summary>Posts a request and reads the answer, streamed or not, to its end.</summary>
    public async Task<string> PostAsync(string path, object request)
    {
        using var response = await _client.PostAsJsonAsync(path, request);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? text
            : throw new BenchException($"{path} answered {(int)response.StatusCode}: {text.ReplaceLineEndings(" ")}");
    }

    public async Task<JsonDocument> AskAsync(string path, object request) => JsonDocument.Parse(await PostAsync(path, request));

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await Tool.StopAsync(_process);
        _process.Dispose();
    }

    private async Task<bool> HealthyAsync(string path)
    {
        try
        {
            using var response = await _client.GetAsync(path);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
