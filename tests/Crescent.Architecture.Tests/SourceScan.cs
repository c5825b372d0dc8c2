using System.Text.RegularExpressions;

namespace Crescent.Architecture.Tests;

/// <summary>A type or method declaration, found by reading text: enough for rules about names.</summary>
/// <param name="Kind">class, struct, record, interface, enum or delegate.</param>
/// <param name="Bases">Everything behind the colon, constraints left out.</param>
internal sealed record TypeDeclaration(string File, string Kind, string Name, string Bases);

internal static partial class SourceScan
{
    public static IReadOnlyList<TypeDeclaration> Types { get; } = [.. Sources().SelectMany(source => TypesOf(source.File, source.Text))];

    /// <summary>Names that something in src declares as a method.</summary>
    public static IReadOnlySet<string> Methods { get; } =
        Sources().SelectMany(source => Method().Matches(source.Text)).Select(match => match.Groups[1].Value).ToHashSet();

    internal static IEnumerable<TypeDeclaration> TypesOf(string file, string text)
    {
        foreach (Match match in Declaration().Matches(Comment().Replace(text, "")))
        {
            string header = match.Groups["header"].Value;
            for (string before = ""; before != header;)
            {
                before = header;
                header = Parentheses().Replace(header, "");
            }

            header = Constraints().Replace(header, "");
            int colon = header.IndexOf(':', StringComparison.Ordinal);
            yield return new TypeDeclaration(file, match.Groups["kind"].Value, match.Groups["name"].Value, colon < 0 ? "" : header[colon..]);
        }
    }

    private static IEnumerable<(string File, string Text)> Sources() =>
        Repository.Files("src", "*.cs").Select(file => (file, Repository.Read(file)));

    [GeneratedRegex(@"//.*?$|/\*.*?\*/", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Comment();

    [GeneratedRegex(@"\b(?<kind>class|struct|record|interface|enum|delegate)\s+(?:(?:class|struct)\s+)?(?<name>[A-Z]\w*)(?<header>[^{;]*)[{;]")]
    private static partial Regex Declaration();

    [GeneratedRegex(@"\([^()]*\)")]
    private static partial Regex Parentheses();

    [GeneratedRegex(@"\bwhere\s+\w+\s*:.*", RegexOptions.Singleline)]
    private static partial Regex Constraints();

    /// <summary>A modifier or a type, a name, and an opening parenthesis.</summary>
    [GeneratedRegex(@"^\s*(?:[\w<>\[\],.?]+\s+)+(\w+)(?:<[\w, ]+>)?\(", RegexOptions.Multiline)]
    private static partial Regex Method();
}
