namespace Crescent.Architecture.Tests;

/// <summary>No file under src knows which package set it is built with, beyond a reference in its project file.</summary>
public class PackageSetTests
{
    [Fact]
    public void No_source_file_names_the_package_set_or_a_stand_in()
    {
        string[] words = ["PackageSet", "Crescent.Portable"];
        var named =
            from file in Repository.Files("src", "*")
            where !file.EndsWith(".csproj", StringComparison.Ordinal)
            let text = Repository.Read(file)
            from word in words
            where text.Contains(word, StringComparison.OrdinalIgnoreCase)
            select $"{file} names {word}";

        Assert.Empty(named);
    }

    [Fact]
    public void No_project_gives_the_compiler_a_constant_to_tell_the_sets_apart()
    {
        Assert.Empty(ProjectFile.All.Where(project => project.Properties.Contains("DefineConstants")).Select(project => project.Name));
    }

    [Fact]
    public void Stand_ins_are_referred_to_in_the_portable_set_only()
    {
        var standIns = ProjectFile.All.SelectMany(project => project.StandIns).ToList();

        Assert.NotEmpty(standIns);
        Assert.All(standIns, standIn => Assert.Equal("'$(PackageSet)' == 'portable'", standIn.Conditions));
    }

    [Fact]
    public void What_the_portable_set_leaves_out_is_what_it_has_no_packages_for()
    {
        string[] leftOut = ["Crescent.Backends.Torch"];

        Assert.Equal(leftOut, ProjectFile.All.Where(project => project.IsFullSetOnly).Select(project => project.Name));
        Assert.Equal(
            leftOut.Select(project => $"{project}.Tests"), ProjectFile.Tests.Where(project => project.IsFullSetOnly).Select(project => project.Name));
    }

    [Fact]
    public void Nothing_of_both_sets_refers_to_what_the_portable_one_leaves_out()
    {
        var leftOut = ProjectFile.All.Where(project => project.IsFullSetOnly).Select(project => project.Name).ToList();
        var references =
            from project in ProjectFile.All.Concat(ProjectFile.Tests)
            where !project.IsFullSetOnly
            from reference in project.Projects.Intersect(leftOut)
            select $"{project.Name} refers to {reference}";

        Assert.Empty(references);
    }

    [Fact]
    public void Packages_of_the_full_set_alone_are_in_no_project_of_both_sets()
    {
        var packages = ProjectFile.All.Where(project => project.IsFullSetOnly).SelectMany(project => project.Packages).ToList();

        Assert.NotEmpty(packages);
        Assert.Empty(ProjectFile.All.Concat(ProjectFile.Tests).Where(project => !project.IsFullSetOnly).SelectMany(project => project.Packages).Intersect(packages));
    }
}
