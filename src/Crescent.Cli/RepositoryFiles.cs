namespace Crescent.Cli;

/// <summary>What comes with the repository the executable was built in.</summary>
internal static class RepositoryFiles
{
    private const string Mark = "Cluster.sln";

    /// <summary>A file or folder beside the executable or in a folder above it, up to the root of the repository.</summary>
    /// <returns>null: it is not there.</returns>
    public static string? Find(string path)
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            string found = Path.Combine(folder.FullName, path);
            if (Path.Exists(found))
            {
                return found;
            }

            if (File.Exists(Path.Combine(folder.FullName, Mark)))
            {
                break;
            }
        }

        return null;
    }
}
