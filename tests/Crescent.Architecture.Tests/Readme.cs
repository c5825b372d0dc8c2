using System.Text.RegularExpressions;

namespace Crescent.Architecture.Tests;

/// <summary>What a readme says about the repository, and which of it is not so.</summary>
internal static partial class Readme
{
    private static readonly string[] Folders = ["src", "tests", "models", "portable", "artifacts", "eng", "deploy", "helm", "AppHost", ".ci"];

    /// <summary>Names, paths and folders that do not exist.</summary>
    public static IEnumerable<string> Missing(string text)
    {
        var fences = Fence().Matches(text).Select(match => match.Value);
        var links = Link().Matches(text).Select(match => match.Groups[1].Value);
        var code = InlineCode().Matches(Fence().Replace(text, "")).SelectMany(match => match.Groups[1].Value.Split(' ')).ToList();
        return ProjectName().Matches(text).Select(match => $"src/{match.Value}").Where(path => !Repository.Exists(path))
            .Concat(code.Where(IsTypeLike).Where(word => !IsDeclared(word)))
            .Concat(code.Where(IsPath).Concat(links).Where(path => !IsThere(path)))
            .Concat(fences.SelectMany(fence => Call().Matches(fence)).Select(match => match.Groups[1].Value).Where(name => !SourceScan.Methods.Contains(name)))
            .Concat(fences.SelectMany(FoldersOfTree).Where(path => !Repository.Exists(path)))
            .Distinct();
    }

    /// <summary>Paths of a tree: what begins a line (a project or a folder of the root), and below it the folders named behind it.</summary>
    private static IEnumerable<string> FoldersOfTree(string fence)
    {
        foreach (Match line in TreeLine().Matches(fence))
        {
            string entry = line.Groups["entry"].Value;
            string path = entry.StartsWith("Crescent.", StringComparison.Ordinal) ? $"src/{entry}" : entry;
            yield return path;
            foreach (Match folder in FolderName().Matches(line.Groups["rest"].Value))
            {
                yield return $"{path.TrimEnd('/')}/{folder.Groups[1].Value}";
            }
        }
    }

    private static bool IsTypeLike(string word) => TypeLike().IsMatch(word);

    private static bool IsDeclared(string word)
    {
        string name = TypeLike().Match(word).Groups[1].Value;
        bool Property(string file) => Repository.Read(file).Contains($"<{name}", StringComparison.Ordinal);
        return word.EndsWith(')')
            ? SourceScan.Methods.Contains(name)
            : SourceScan.Types.Any(type => type.Name == name) || Property("Directory.Build.props")
                || Repository.Read("Directory.Packages.props").Contains($"\"{word}\"", StringComparison.Ordinal);
    }

    private static bool IsPath(string word) =>
        word.StartsWith("./", StringComparison.Ordinal) || Folders.Any(folder => word.StartsWith($"{folder}/", StringComparison.Ordinal)) || PathLike().IsMatch(word);

    /// <summary>A file of the tree, or one that a script makes.</summary>
    private static bool IsThere(string path)
    {
        string name = path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path;
        return Repository.Exists(name) || Directory.EnumerateFiles(Repository.Root, "*.sh").Any(script => File.ReadAllText(script).Contains(name, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Fence();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"\bCrescent(\.[A-Z]\w*)+")]
    private static partial Regex ProjectName();

    [GeneratedRegex(@"\]\((?!https?:|#)([^)#]+)")]
    private static partial Regex Link();

    /// <summary>PascalCase, with type arguments, a member or an argument list behind it.</summary>
    [GeneratedRegex(@"^((?:I(?=[A-Z]))?[A-Z][a-z]\w*)(?:<\w+>)?(?:\.[A-Z]\w*)*(?:\(.*\))?$")]
    private static partial Regex TypeLike();

    [GeneratedRegex(@"^[\w.-]+\.(?:sh|sln|slnf|props|md|cs|csproj|proto)$")]
    private static partial Regex PathLike();

    [GeneratedRegex(@"\b[a-z]\w*\.([A-Z]\w*)\(")]
    private static partial Regex Call();

    [GeneratedRegex(@"^ *(?<entry>Crescent(?:\.[A-Z]\w*)+|[\w.]+/)(?:[ \t]+(?<rest>.*))?$", RegexOptions.Multiline)]
    private static partial Regex TreeLine();

    [GeneratedRegex(@"(?:^|\s)([A-Z]\w*)/(?=\s|$)")]
    private static partial Regex FolderName();
}
