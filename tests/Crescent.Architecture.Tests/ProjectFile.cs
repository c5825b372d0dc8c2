using System.Xml.Linq;

namespace Crescent.Architecture.Tests;

/// <summary>What a project depends on, as its file says.</summary>
internal sealed class ProjectFile(string path)
{
    private readonly XDocument _document = XDocument.Parse(Repository.Read(path));

    public static IEnumerable<ProjectFile> All => Repository.Projects.Select(Of);

    /// <summary>Those under tests.</summary>
    public static IEnumerable<ProjectFile> Tests =>
        Repository.Files("tests", "*.csproj").Select(path => new ProjectFile(path));

    public string Name => Path.GetFileNameWithoutExtension(path);

    /// <summary>One of src.</summary>
    public static ProjectFile Of(string name) => new($"src/{name}/{name}.csproj");

    /// <summary>Names of the projects it refers to.</summary>
    public IEnumerable<string> Projects => ProjectItems.Select(item => Path.GetFileNameWithoutExtension(Include(item)));

    public IEnumerable<string> Packages => _document.Descendants("PackageReference").Select(Include);

    public IEnumerable<string> Frameworks => _document.Descendants("FrameworkReference").Select(Include);

    /// <summary>References to stand-ins, with the conditions they stand under.</summary>
    public IEnumerable<(string Path, string Conditions)> StandIns =>
        from item in ProjectItems
        where Include(item).Contains("/portable/", StringComparison.Ordinal)
        select (Include(item), string.Join(' ', item.AncestorsAndSelf().Attributes("Condition").Select(condition => condition.Value)));

    /// <summary>Whether the portable set builds it empty.</summary>
    public bool IsFullSetOnly => _document.Descendants("FullSetOnly").Any(property => property.Value == "true");

    /// <summary>Names of the properties it sets.</summary>
    public IEnumerable<string> Properties => _document.Descendants("PropertyGroup").Elements().Select(property => property.Name.LocalName);

    private IEnumerable<XElement> ProjectItems => _document.Descendants("ProjectReference");

    private static string Include(XElement item) => item.Attribute("Include")!.Value;
}
