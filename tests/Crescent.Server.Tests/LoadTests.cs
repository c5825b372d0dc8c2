using System.Net.Http.Json;
using System.Text.Json;
using Crescent.Testing;
using Microsoft.Extensions.Logging;

namespace Crescent.Server.Tests;

/// <summary>The whole node under many streams over real sockets.</summary>
public sealed class LoadTests
{
    private const int Streams = 64;

    [Fact]
    public async Task ManyStreamsWithRandomCancellationsLeaveNothingBehind()
    {
        // A small pool, so that sequences wait, are preempted and evict each other's prefixes.
        var options = new NodeOptions
        {
            ModelPath = Repository.CrescentXs,
            Port = 0,
            GrpcPort = 0,
            BlockSize = 16,
            DeviceCacheBytes = 4 << 20,
        };
        await using var node = await NodeServer.StartAsync(options, logging => logging.SetMinimumLevel(LogLevel.None), default);
        var loaded = node.LoadModel();
        using var client = new HttpClient { BaseAddress = node.HttpAddress, Timeout = Timeout.InfiniteTimeSpan };
        bool thorough = Environment.GetEnvironmentVariable("CRESCENT_LONG") == "1";
        var end = DateTime.UtcNow.AddSeconds(60);
        int started = 0;

        // The long form lasts a minute; the short one is a number of requests.
        bool More() => thorough ? DateTime.UtcNow < end : Interlocked.Increment(ref started) <= 4 * Streams;
        var outcomes = await Task.WhenAll(Enumerable.Range(0, Streams).Select(stream => Task.Run(async () =>
        {
            var random = new Random(stream);
            var finished = new List<string>();
            while (More())
            {
                finished.Add(await OneRequestAsync(client, loaded.Model.Id, random));
            }

            return finished;
        })));

        Assert.All(outcomes.SelectMany(o => o), outcome => Assert.Contains(outcome, new[] { "stop", "length", "left" }));
        await node.StopAsync();
        await loaded.Worker.CheckIntegrityAsync();
        var status = loaded.Worker.GetStatus();
        Assert.Equal(0, status.RunningRequests + status.WaitingRequests);
        Assert.Equal(0, status.ActiveBlocks);
        Assert.Equal(status.TotalBlocks, status.FreeBlocks + status.CachedBlocks);
    }

    /// <returns>The finish reason, or "left" when the client hung up.</returns>
    private static async Task<string> OneRequestAsync(HttpClient client, string model, Random random)
    {
        using var hangUp = new CancellationTokenSource();
        int leaveAfter = random.Next(3) == 0 ? random.Next(1, 12) : int.MaxValue;
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/completions")
        {
            Content = JsonContent.Create(new
            {
                model,
                prompt = string.Concat(Enumerable.Repeat("And it came to pass in those days. ", random.Next(1, 20))),
                max_tokens = random.Next(1, 40),
                seed = random.Next(),
                stream = true,
            }),
        };
        try
        {
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, hangUp.Token);
            response.EnsureSuccessStatusCode();
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(hangUp.Token));
            string? reason = null;
            while (await reader.ReadLineAsync(hangUp.Token) is { } line && line != "data: [DONE]")
            {
                if (line.StartsWith("data: ", StringComparison.Ordinal))
                {
                    using var chunk = JsonDocument.Parse(line[6..]);
                    reason ??= chunk.RootElement.GetProperty("choices")[0].GetProperty("finish_reason").GetString();
                    if (--leaveAfter == 0)
                    {
                        await hangUp.CancelAsync();
                    }
                }
            }

            return reason ?? "ended without a reason";
        }
        catch (OperationCanceledException) when (hangUp.IsCancellationRequested)
        {
            return "left";
        }
    }
}
