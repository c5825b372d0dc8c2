namespace Crescent.Testing;

/// <summary>The repository the tests were built in.</summary>
public static class Repository
{
    /// <summary>The folder with Cluster.sln.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>A very small model of 1,024 positions.</summary>
    public static string CrescentXs => Path.Combine(Root, "models", "crescent-xs");

    /// <summary>The bundled model, of 65,536 positions.</summary>
    public static string CrescentS => Path.Combine(Root, "models", "crescent-s");

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
