namespace Crescent.Cli;

/// <summary>The model that runs when none is named.</summary>
internal static class BundledModel
{
    /// <summary>Environment variable with the path of the default model.</summary>
    public const string Variable = "CRESCENT_MODEL";

    private const string Folder = "models/crescent-s";

    /// <summary><see cref="Variable"/>; else models/crescent-s as <see cref="RepositoryFiles"/> finds it.</summary>
    /// <exception cref="CliException">There is none.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path)
        {
            return path;
        }

        return RepositoryFiles.Find(Folder) ?? throw new CliException($"no model: name one with --model PATH or {Variable} (the bundled {Folder} is not here)", ExitCodes.Usage);
    }
}
