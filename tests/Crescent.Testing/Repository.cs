namespace Crescent.Testing;

/// <summary>The repository the tests were built in.</summary>
public static class Repository
{
    /// <summary>The folder with Cluster.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The folder of the bundled model.</summary>
    public static string BundledModel => Path.Combine(Root, "models", "crescent-xs");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("the tests do not run inside the repository");
    }
}
