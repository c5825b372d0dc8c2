namespace Crescent.Cli;

/// <summary>The model that runs when none is named.</summary>
internal static class BundledModel
{
    /// <summary>Environment variable with the path of the default model.</summary>
    public const string Variable = "CRESCENT_MODEL";

    private const string Folder = "models/crescent-xs";
    private const string RepositoryMark = "Cluster.sln";

    /// <summary>
    /// <see cref="Variable"/>; else models/crescent-xs beside the executable or in a folder above it, up to the root of
    /// the repository.
    /// </summary>
    /// <exception cref="CliException">There is none.</exception>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path)
        {
            return path;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string model = Path.Combine(folder.FullName, Folder);
            if (Directory.Exists(model))
            {
                return model;
            }

            if (File.Exists(Path.Combine(folder.FullName, RepositoryMark)))
            {
                break;
            }
        }

        throw new CliException($"no model: name one with --model PATH or {Variable} (the bundled {Folder} is not here)", ExitCodes.Usage);
    }
}
