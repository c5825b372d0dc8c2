using System.Text.Json;
using System.Text.Json.Nodes;
using Crescent.Evaluation.Running;

namespace Crescent.Evaluation.Reports;

/// <summary>What a store's results of one suite come to, in all the forms it is written in.</summary>
/// <param name="model">The model's name.</param>
public sealed class RecallReport(string model, Suite suite, IReadOnlyCollection<DocumentResult> results)
{
    public Summary Summary { get; } = Summary.Of(model, suite, results);

    /// <summary>Tables, for a terminal.</summary>
    public string ToMarkdown() => MarkdownReport.Write(Summary, heatMaps: false);

    /// <summary>The summary and every answer, as one document.</summary>
    public string ToJson()
    {
        var document = JsonSerializer.SerializeToNode(Summary, ResultStore.Json)!.AsObject();
        document["results"] = JsonSerializer.SerializeToNode(results.Where(result => result.Key.Suite == suite), ResultStore.Json) as JsonArray;
        return document.ToJsonString(ResultStore.Json);
    }

    /// <summary>Writes results.json, results.md and a heat map per variant.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void WriteTo(string folder)
    {
        var indented = new JsonSerializerOptions(ResultStore.Json) { WriteIndented = true };
        File.WriteAllText(Path.Combine(folder, "results.json"), JsonSerializer.Serialize(Summary, indented) + "\n");
        File.WriteAllText(Path.Combine(folder, "results.md"), MarkdownReport.Write(Summary, heatMaps: true));
        foreach (var variant in Summary.Variants)
        {
            File.WriteAllText(Path.Combine(folder, HeatMap.FileName(variant)), HeatMap.Draw(Summary.Model, suite, variant, results));
        }
    }
}
