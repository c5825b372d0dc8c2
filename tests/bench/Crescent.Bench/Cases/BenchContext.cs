using System.Collections.Concurrent;
using System.Text.Json;
using Crescent.Bench.Engine;
using Crescent.Bench.Llama;
using Crescent.Bench.Models;
using Crescent.Bench.Os;

namespace Crescent.Bench.Cases;

/// <summary>Where things are, and how a measurement is made.</summary>
/// <param name="Cache">Folder of models.</param>
/// <param name="Llama">Folder of llama.cpp's programs.</param>
/// <param name="Cli">The crescent program.</param>
/// <param name="Say">Takes a line of progress.</param>
internal sealed record BenchContext(string Cache, string Llama, string Cli, Action<string> Say)
{
    private readonly ConcurrentDictionary<(ModelName Name, bool Folder), string> _models = [];

    public LlamaBench LlamaBench { get; } = new(Llama);

    /// <summary>The GGUF file both engines read.</summary>
    public string Model(ModelName name) => Model(name, folder: false);

    /// <summary>The same weights as safetensors in a folder.</summary>
    public string Folder(ModelName name) => Model(name, folder: true);

    /// <summary>Has a process of its own, on the processors for so many threads, do the work.</summary>
    public static async Task<double[]> ChildAsync(ChildWork work)
    {
        var output = await Tool.RunAsync(
            LlamaBench.Processors(work.Threads), Environment.ProcessPath!, ["child", JsonSerializer.Serialize(work)]);
        return JsonSerializer.Deserialize<double[]>(output)!;
    }

    private string Model(ModelName name, bool folder) => _models.GetOrAdd(
        (name, folder), _ => BenchShape.Named(name.Shape).Model(Cache, name.Format, folder, Say));
}
