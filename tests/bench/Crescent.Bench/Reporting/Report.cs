namespace Crescent.Bench.Reporting;

/// <summary>The files a run leaves: results.json, RESULTS.md and depth.svg, all three after every row.</summary>
/// <param name="folder">Made if missing.</param>
/// <param name="order">Ids of all rows there can be; others are dropped.</param>
/// <param name="machine">What is measured on.</param>
public sealed class Report(string folder, IReadOnlyList<string> order, IReadOnlyDictionary<string, string> machine)
{
    private readonly string _json = Path.Combine(Directory.CreateDirectory(folder).FullName, "results.json");

    public void Add(ResultRow row) => Update(results => results.With(row, order));

    /// <summary>Notes that both engines compute the same of a model.</summary>
    public void Agreed(string model, double difference) => Update(results => results with
    {
        Agreement = new SortedDictionary<string, double>(results.Agreement.ToDictionary(), StringComparer.Ordinal) { [model] = Math.Round(difference, 4) },
    });

    private void Update(Func<Results, Results> change)
    {
        var results = change(Results.Load(_json)) with { Machine = machine };
        results.Save(_json);
        File.WriteAllText(Path.Combine(folder, "RESULTS.md"), Markdown.Write(results));
        if (DepthPlot.Draw(results) is { } plot)
        {
            File.WriteAllText(Path.Combine(folder, "depth.svg"), plot);
        }
    }
}
