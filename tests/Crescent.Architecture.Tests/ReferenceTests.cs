namespace Crescent.Architecture.Tests;

/// <summary>References point one way. A new edge is a decision: it is made here, in sight of the whole graph.</summary>
public class ReferenceTests
{
    /// <summary>The projects each project may refer to. None refers to one below it.</summary>
    private static readonly (string Project, string[] MayReferTo)[] Allowed =
    [
        ("Crescent.Abstractions", []),
        ("Crescent.KvCache", ["Crescent.Abstractions", "Crescent.Portable.Redis"]),
        ("Crescent.Attention", ["Crescent.Abstractions", "Crescent.KvCache"]),
        ("Crescent.Models", ["Crescent.Abstractions", "Crescent.KvCache", "Crescent.Attention"]),
        ("Crescent.Scheduling", ["Crescent.Abstractions", "Crescent.KvCache"]),
        ("Crescent.Evaluation", ["Crescent.Abstractions", "Crescent.KvCache", "Crescent.Attention", "Crescent.Models"]),
        ("Crescent.Worker", ["Crescent.Abstractions", "Crescent.KvCache", "Crescent.Attention", "Crescent.Models", "Crescent.Scheduling"]),
        ("Crescent.Backends.Cpu", ["Crescent.Abstractions"]),
        ("Crescent.Backends.Torch", ["Crescent.Abstractions"]),
        ("Crescent.Cluster", ["Crescent.Abstractions"]),
        ("Crescent.Grains", ["Crescent.Abstractions", "Crescent.Cluster"]),
        ("Crescent.Gateway", ["Crescent.Abstractions", "Crescent.Portable.Grpc"]),
        ("Crescent.Server", ["Crescent.Abstractions", "Crescent.KvCache", "Crescent.Models", "Crescent.Scheduling", "Crescent.Worker", "Crescent.Backends.Cpu", "Crescent.Cluster", "Crescent.Gateway"]),
        ("Crescent.Silo", ["Crescent.Abstractions", "Crescent.KvCache", "Crescent.Models", "Crescent.Scheduling", "Crescent.Worker", "Crescent.Backends.Cpu", "Crescent.Backends.Torch", "Crescent.Cluster", "Crescent.Grains", "Crescent.Gateway"]),
        ("Crescent.Cli", ["Crescent.Abstractions", "Crescent.Server", "Crescent.Evaluation"]),
    ];

    private static readonly string[] KnowAspNet = ["Crescent.Gateway", "Crescent.Server", "Crescent.Silo", "Crescent.Cli"];
    private static readonly string[] KnowOrleans = ["Crescent.Grains", "Crescent.Silo"];
    private static readonly string[] KnowTorch = ["Crescent.Backends.Torch"];

    public static TheoryData<string> Projects => [.. Repository.Projects];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_only_to_those_it_may(string project)
    {
        var allowed = Allowed.Single(row => row.Project == project).MayReferTo;

        Assert.Empty(ProjectFile.Of(project).Projects.Except(allowed));
    }

    [Fact]
    public void The_allowed_references_point_one_way()
    {
        var above = new HashSet<string>();
        foreach (var (project, mayReferTo) in Allowed)
        {
            Assert.Empty(mayReferTo.Where(other => !other.StartsWith("Crescent.Portable.", StringComparison.Ordinal)).Except(above));
            above.Add(project);
        }
    }

    [Fact]
    public void Abstractions_depends_on_nothing()
    {
        var project = ProjectFile.Of("Crescent.Abstractions");

        Assert.Empty(project.Projects.Concat(project.Packages).Concat(project.Frameworks));
    }

    [Fact]
    public void Only_the_gateway_and_the_hosts_know_Asp_Net() =>
        AssertKnownOnlyTo(KnowAspNet, "Microsoft.AspNetCore", "Grpc.AspNetCore");

    [Fact]
    public void Only_grains_and_the_silo_know_Orleans() => AssertKnownOnlyTo(KnowOrleans, "Orleans", "Microsoft.Orleans");

    [Fact]
    public void Only_its_backend_knows_Torch() => AssertKnownOnlyTo(KnowTorch, "TorchSharp");

    /// <summary>Neither references nor usings of other projects' files begin with one of the names.</summary>
    private static void AssertKnownOnlyTo(string[] projects, params string[] names)
    {
        bool Named(string text) => names.Any(name => text.StartsWith(name, StringComparison.Ordinal));
        var references =
            from project in ProjectFile.All
            where !projects.Contains(project.Name)
            from reference in project.Packages.Concat(project.Frameworks)
            where Named(reference)
            select $"{project.Name} refers to {reference}";
        var usings =
            from file in Repository.Files("src", "*.cs")
            where !projects.Contains(Repository.ProjectOf(file))
            from line in File.ReadLines(Repository.PathOf(file))
            let words = line.Trim().Split(' ', StringSplitOptions.RemoveEmptyEntries)
            where words is ["using" or "global", ..] && Named(words[^1].Split('=')[^1].TrimEnd(';'))
            select $"{file}: {line.Trim()}";

        Assert.Empty(references.Concat(usings));
    }
}
