namespace Crescent.Architecture.Tests;

/// <summary>The files of the working tree these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Names of the folders under src: one project each.</summary>
    public static IReadOnlyList<string> Projects { get; } =
        [.. Directory.EnumerateDirectories(PathOf("src")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];

    public static string PathOf(string path) => Path.Combine(Root, path);

    public static bool Exists(string path) => Path.Exists(PathOf(path));

    public static string Read(string path) => File.ReadAllText(PathOf(path));

    /// <summary>Paths relative to the root, with forward slashes, of the files below a folder that are not build output.</summary>
    public static IEnumerable<string> Files(string folder, string pattern) =>
        Directory.EnumerateFiles(PathOf(folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules"))
            .Order(StringComparer.Ordinal);

    /// <summary>The project a file under src belongs to.</summary>
    public static string ProjectOf(string path) => path.Split('/')[1];

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException($"no Cluster.sln above {AppContext.BaseDirectory}");
        }

        return folder.FullName;
    }
}
