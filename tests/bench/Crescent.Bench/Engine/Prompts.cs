using Crescent.Models.Weights;

namespace Crescent.Bench.Engine;

/// <summary>Random prompts, no two alike.</summary>
internal sealed class Prompts
{
    private readonly Random _random;
    private readonly int _vocabulary;

    public Prompts(string model, int seed = 1)
    {
        using var file = ModelFile.Open(model);
        _vocabulary = file.Config.VocabularySize;
        _random = new Random(seed);
    }

    /// <summary>The two last ids begin and end a text; they are left out.</summary>
    public int[] Next(int tokens)
    {
        var prompt = new int[tokens];
        foreach (ref var token in prompt.AsSpan())
        {
            token = _random.Next(_vocabulary - 2);
        }

        return prompt;
    }
}
