using System.Text.Encodings.Web;
using System.Text.Json;

namespace Crescent.Bench.Reporting;

/// <summary>Everything known so far: what results.json holds.</summary>
public sealed record Results
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What the machine and the programs are: name and value.</summary>
    public IReadOnlyDictionary<string, string> Machine { get; init; } = new Dictionary<string, string>();

    /// <summary>By model: the largest difference of the engines' first log probabilities.</summary>
    public IReadOnlyDictionary<string, double> Agreement { get; init; } = new Dictionary<string, double>();

    public IReadOnlyList<ResultRow> Rows { get; init; } = [];

    /// <summary>The file's, or none.</summary>
    public static Results Load(string path) =>
        File.Exists(path) ? JsonSerializer.Deserialize<Results>(File.ReadAllText(path), Options) ?? new Results() : new Results();

    public void Save(string path)
    {
        var unfinished = path + ".unfinished";
        File.WriteAllText(unfinished, JsonSerializer.Serialize(this, Options) + "\n");
        File.Move(unfinished, path, overwrite: true);
    }

    /// <summary>With a row replaced or added, rows in the given order, and rows of other ids dropped.</summary>
    public Results With(ResultRow row, IReadOnlyList<string> order)
    {
        var rows = Rows.Where(other => other.Id != row.Id).Append(row).ToDictionary(other => other.Id);
        return this with { Rows = [.. order.Where(rows.ContainsKey).Select(id => rows[id])] };
    }
}
