using System.Xml.Linq;
using Crescent.Bench.Reporting;
using Crescent.Testing;

namespace Crescent.Bench.Tests;

public class ReportTests
{
    [Theory]
    [InlineData(new[] { 3.0 }, 3)]
    [InlineData(new[] { 9.0, 1, 2 }, 2)]
    [InlineData(new[] { 4.0, 1, 2, 100 }, 3)]
    public void The_median_is_the_middle(double[] values, double median)
    {
        var samples = new Samples(values);

        Assert.Equal(median, samples.Median);
        Assert.Equal((values.Min(), values.Max()), (samples.Min, samples.Max));
    }

    [Theory]
    [InlineData(115, 100, true)]
    [InlineData(114, 100, false)]
    public void A_ratio_is_held_against_the_target(double subject, double reference, bool reached) =>
        Assert.Equal(reached, Row("a", subject, reference).Reached);

    [Fact]
    public void A_limit_needs_no_reference()
    {
        var row = Row("a", 140, 200) with { Reference = null, Target = new Target("memory", AtMost: 150) };

        Assert.True(row.Reached);
        Assert.False((row with { Subject = new Samples([151]) }).Reached);
    }

    [Fact]
    public void The_table_says_what_was_measured()
    {
        var text = Markdown.Write(new Results { Rows = [Row("decode-a", 50, 100), Row("decode-b", 1234, 1000) with { Target = null }] });

        Assert.Contains("| decode | ≥ 1.15× | 0.50× | 0 of 1 |\n", text, StringComparison.Ordinal);
        Assert.Contains("| conf decode-a | 100 | 50.0 | 0.50× | ≥ 1.15× | **no** | 0.3 | abc |\n", text, StringComparison.Ordinal);
        Assert.Contains("| conf decode-b | 1,000 | 1,234 | 1.23× |  |  | 0.3 | abc |\n", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_busy_row_is_marked_and_reaches_no_goal()
    {
        var text = Markdown.Write(new Results { Rows = [Row("decode-a", 500, 100) with { Busy = true, OthersShare = 0.4 }] });

        Assert.Contains("**busy** (40 % by others)", text, StringComparison.Ordinal);
        Assert.DoesNotContain("1 of 1", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_row_replaces_its_own_and_leaves_the_others()
    {
        using var folder = new TemporaryFolder();
        var report = new Report(folder.Path, ["x", "y", "z"], new Dictionary<string, string> { ["processor"] = "one" });
        report.Add(Row("z", 3, 1));
        report.Add(Row("x", 1, 1));
        report.Add(Row("z", 4, 1));
        report.Agreed("S-F16", 0.01);

        var results = Results.Load(folder["results.json"]);
        Assert.Equal([("x", 1), ("z", 4)], results.Rows.Select(row => (row.Id, row.Ratio!.Value)));
        Assert.Equal(0.01, results.Agreement["S-F16"]);
        Assert.Contains("S-F16 0.010", File.ReadAllText(folder["RESULTS.md"]), StringComparison.Ordinal);
    }

    [Fact]
    public void The_plot_is_well_formed_and_has_a_point_per_measurement()
    {
        var rows = new[] { (0, 300.0, 300.0), (8192, 200, 40), (131_072, 20, 0) }.Select(point =>
            Row($"decode-S-Q8_0-t2-d{point.Item1}", point.Item2, point.Item3) with { Reference = point.Item3 == 0 ? null : new Samples([point.Item3]) });

        var plot = XDocument.Parse(DepthPlot.Draw(new Results { Rows = [.. rows] })!);
        var circles = plot.Descendants().Where(element => element.Name.LocalName == "circle").ToList();
        Assert.Equal(5, circles.Count);
        Assert.All(circles, circle => Assert.InRange((double)circle.Attribute("cy")!, 40, 400));
    }

    [Fact]
    public void Fewer_than_two_depths_make_no_plot() => Assert.Null(DepthPlot.Draw(new Results { Rows = [Row("decode-S-Q8_0-t2-d0", 1, 1)] }));

    private static ResultRow Row(string id, double subject, double reference) => new()
    {
        Id = id,
        Group = "Decode",
        Configuration = $"conf {id}",
        Unit = "tokens/s",
        SubjectName = "Crescent",
        ReferenceName = "llama.cpp",
        Subject = new Samples([subject]),
        Reference = new Samples([reference]),
        Target = new Target("decode", AtLeastRatio: 1.15),
        Commit = "abc",
        Date = DateTimeOffset.UnixEpoch,
        LoadAverage = 0.25,
        OthersShare = 0,
    };
}
