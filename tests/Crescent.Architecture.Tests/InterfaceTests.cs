using System.Text.RegularExpressions;

namespace Crescent.Architecture.Tests;

public class InterfaceTests
{
    [Fact]
    public void Every_interface_has_an_implementer()
    {
        var interfaces = SourceScan.Types.Where(type => type.Kind == "interface").ToList();
        var idle = interfaces.Where(type => !SourceScan.Types.Any(other => other.Kind != "interface" && Names(other.Bases, type.Name)));

        Assert.NotEmpty(interfaces);
        Assert.Empty(idle.Select(type => $"{type.File}: {type.Name}"));
    }

    [Theory]
    [InlineData("class A : IThing { }", true)]
    [InlineData("struct A(int x, Func<(int, int)> f)\n    : Base(x), IThing;", true)]
    [InlineData("sealed record A : IThing<int> { }", true)]
    [InlineData("class A<T> : Base where T : IThing { }", false)]
    [InlineData("class A(IThing thing) { }", false)]
    [InlineData("class A : IThings { }", false)]
    [InlineData("// class A : IThing { }", false)]
    public void The_scan_tells_implementing_from_mentioning(string source, bool implements)
    {
        Assert.Equal(implements, SourceScan.TypesOf("a.cs", source).Any(type => Names(type.Bases, "IThing")));
    }

    private static bool Names(string text, string name) => Regex.IsMatch(text, $@"\b{name}\b");
}
