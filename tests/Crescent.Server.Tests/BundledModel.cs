namespace Crescent.Server.Tests;

internal static class BundledModel
{
    /// <summary>models/crescent-xs of the repository these tests were built in.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(System.IO.Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent ?? throw new DirectoryNotFoundException("the tests do not run inside the repository");
        }

        return System.IO.Path.Combine(folder.FullName, "models", "crescent-xs");
    }
}
