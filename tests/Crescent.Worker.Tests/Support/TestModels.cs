using Crescent.Models;
using Crescent.Testing;

namespace Crescent.Worker.Tests.Support;

/// <summary>A random model written once for all tests of a class.</summary>
public sealed class RandomModelFixture : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public RandomModelFixture()
    {
        RandomModel.Write(Config, seed: 21, Path, type: DType.BF16);
    }

    public static DecoderConfig Config { get; } = RandomModel.Config() with { VocabularySize = 96, Layers = 2, ContextLength = 1024 };

    public string Path => _folder["model"];

    public static int[] Prompt(int seed, int length)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, length).Select(_ => random.Next(Config.VocabularySize))];
    }

    public void Dispose() => _folder.Dispose();
}
