namespace Crescent.Bench.Running;

/// <summary>The command line, and what run.sh says in the environment.</summary>
internal sealed record RunOptions
{
    public const string Usage = "usage: tests/bench/run.sh [--quick] [--only NAME] [--force]";

    /// <summary>A part of the rows once over, in a few minutes; RESULTS.md is left as it is.</summary>
    public bool Quick { get; private init; }

    /// <summary>Only rows with this in their id.</summary>
    public string Only { get; private init; } = "";

    /// <summary>Measures on a busy machine too, and marks such rows.</summary>
    public bool Force { get; private init; }

    /// <summary>Folder of models, llama.cpp and other files that are made once.</summary>
    public string Cache { get; } = Variable("CRESCENT_BENCH_CACHE");

    public string Repository { get; } = Variable("CRESCENT_BENCH_REPOSITORY");

    public string Cli { get; } = Variable("CRESCENT_BENCH_CLI");

    public string Commit { get; } = Variable("CRESCENT_BENCH_COMMIT");

    public static RunOptions Parse(string[] arguments)
    {
        var options = new RunOptions();
        for (int i = 0; i < arguments.Length; i++)
        {
            options = arguments[i] switch
            {
                "--quick" => options with { Quick = true },
                "--force" => options with { Force = true },
                "--only" when i + 1 < arguments.Length => options with { Only = arguments[++i] },
                _ => throw new BenchException(Usage),
            };
        }

        return options;
    }

    private static string Variable(string name) =>
        Environment.GetEnvironmentVariable(name) ?? throw new BenchException($"{name} is not set: {Usage}");
}
