namespace Crescent.Architecture.Tests;

public class SolutionTests
{
    [Fact]
    public void The_solution_lists_every_project()
    {
        string solution = Repository.Read("Cluster.sln").Replace('\\', '/');
        var projects = new[] { "src", "tests", "portable" }.SelectMany(folder => Repository.Files(folder, "*.csproj"));

        Assert.All(projects, project => Assert.Contains($"\"{project}\"", solution, StringComparison.Ordinal));
    }
}
