namespace Crescent.Architecture.Tests;

/// <summary>Prose drifts: what the readme names must be there.</summary>
public class ReadmeTests
{
    [Fact]
    public void Everything_the_readme_names_exists() => Assert.Empty(Readme.Missing(Repository.Read("README.md")));

    [Fact]
    public void The_readme_names_every_project()
    {
        string text = Repository.Read("README.md");

        Assert.All(Repository.Projects, project => Assert.Contains(project, text, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("It has `NoSuchType`.", "NoSuchType")]
    [InlineData("It has `INoSuchPort<T>`.", "INoSuchPort<T>")]
    [InlineData("It calls `NoSuchMethod()`.", "NoSuchMethod()")]
    [InlineData("See `src/Crescent.Worker/Missing.cs`.", "src/Crescent.Worker/Missing.cs")]
    [InlineData("Run `./missing.sh --now`.", "./missing.sh")]
    [InlineData("See `MISSING.md`.", "MISSING.md")]
    [InlineData("See [there](docs/missing.md).", "docs/missing.md")]
    [InlineData("Crescent.Missing does it.", "src/Crescent.Missing")]
    [InlineData("```\nscheduler.NoSuchStep(batch)\n```", "NoSuchStep")]
    [InlineData("```\nsrc/\n  Crescent.Worker   Missing/ and more\n```", "src/Crescent.Worker/Missing")]
    [InlineData("```\nmissing/   things\n```", "missing/")]
    public void What_does_not_exist_is_found(string text, string missing)
    {
        Assert.Contains(missing, Readme.Missing(text));
    }

    [Theory]
    [InlineData("It has `FinishReason`, `IBackend<T>` and `Scheduler`, checked by `CheckIntegrity()`.")]
    [InlineData("See `src/Crescent.Worker`, `Cluster.sln` and [the props](Directory.Build.props).")]
    [InlineData("Run `./run.sh --port 8080`; `PackageSet` decides; `POST /v1/completions`; `config.json`; [site](https://example.org).")]
    [InlineData("```\nscheduler.Schedule()\n```")]
    public void What_exists_or_is_no_name_is_not_complained_of(string text)
    {
        Assert.Empty(Readme.Missing(text));
    }
}
