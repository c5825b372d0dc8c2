using System.Globalization;
using System.Text;
using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Reports;

/// <summary>A summary as Markdown.</summary>
public static class MarkdownReport
{
    private const string Head = """
        # Recall of {0}

        Written by `crescent eval`. Percent of what was asked for that the answers contain, with bootstrap 95% intervals (cases
        resampled within their documents). {1} questions over each document, greedy, seed {2}; lengths are tokens of the
        longest prompt with its answer. Model {3}; wording and book {4}.


        """;

    /// <param name="heatMaps">Whether files of <see cref="HeatMap.FileName"/> lie beside it.</param>
    public static string Write(Summary summary, bool heatMaps)
    {
        var text = new StringBuilder();
        var suite = summary.Suite;
        text.AppendFormat(CultureInfo.InvariantCulture, Head, summary.Model, suite.Questions, suite.Seed, Short(suite.Model), suite.Material);
        foreach (var variant in summary.Variants)
        {
            text.Append(CultureInfo.InvariantCulture, $"## {Names.Of(variant)}\n\n");
            WriteScores(text, [.. summary.Scores.Where(score => score.Variant == variant)]);
            WriteCosts(text, summary.Costs.Where(cost => cost.Variant == variant));
            if (heatMaps)
            {
                text.Append(CultureInfo.InvariantCulture, $"![score over depth and length]({HeatMap.FileName(variant)})\n\n");
            }
        }

        foreach (var pair in summary.Differences.GroupBy(difference => (difference.Variant, difference.Baseline)))
        {
            text.Append(CultureInfo.InvariantCulture, $"## {Names.Of(pair.Key.Variant)} less {Names.Of(pair.Key.Baseline)}\n\n");
            text.Append("Points of percent in the same cases.\n\n");
            WriteGrid(text, pair, difference => (difference.Task, difference.Length), difference =>
                Points(new Interval(difference.Mean, difference.Low, difference.High), "+0.0;−0.0;0.0"));
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void WriteScores(StringBuilder text, IReadOnlyList<Score> scores)
    {
        int most = scores.Max(score => score.Cases);
        WriteGrid(text, scores, score => (score.Task, score.Length), score =>
            Points(new Interval(score.Mean, score.Low, score.High), "0.0") + (score.Cases < most ? $", {score.Cases} cases" : ""));
        text.Append(CultureInfo.InvariantCulture, $"{most} cases each{(scores.Any(score => score.Cases < most) ? " where nothing else is said" : "")}.\n\n");
    }

    /// <summary>Tasks down, lengths across.</summary>
    private static void WriteGrid<T>(StringBuilder text, IEnumerable<T> cells, Func<T, (string Task, int Length)> place, Func<T, string> write)
    {
        var byPlace = cells.ToDictionary(place, write);
        int[] lengths = [.. byPlace.Keys.Select(key => key.Length).Distinct().Order()];
        text.Append(CultureInfo.InvariantCulture, $"| task | {string.Join(" | ", lengths.Select(Names.Of))} |\n| --- |{string.Concat(lengths.Select(_ => " --- |"))}\n");
        foreach (string task in RecallTasks.Names.Where(task => lengths.Any(length => byPlace.ContainsKey((task, length)))))
        {
            text.Append(CultureInfo.InvariantCulture, $"| {task} | {string.Join(" | ", lengths.Select(length => byPlace.GetValueOrDefault((task, length), "–")))} |\n");
        }

        text.Append('\n');
    }

    private static void WriteCosts(StringBuilder text, IEnumerable<Cost> costs)
    {
        text.Append("| length | score, all tasks | keys attended per token | KV read per token | decode, tokens/s per request | first token, new document | first token, cached document |\n");
        text.Append("| --- | --- | --- | --- | --- | --- | --- |\n");
        foreach (var cost in costs)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {Names.Of(cost.Length)} | {100 * cost.Score:0.0} | {cost.TokensAttended:N0} | {Megabytes(cost.BytesMoved)} | {Number(cost.TokensPerSecond, cost.TokensPerSecond >= 100 ? "N0" : "0.0")} | {Milliseconds(cost.ColdMs)} | {Milliseconds(cost.WarmMs)} |\n");
        }

        text.Append("\nMeans, and medians of rates and times; several requests run at once, except the first of a document.\n\n");
    }

    private static string Points(Interval interval, string format)
    {
        string Percent(double value) => (100 * value).ToString(format, CultureInfo.InvariantCulture);
        return $"{Percent(interval.Mean)} ({Percent(interval.Low)} to {Percent(interval.High)})";
    }

    private static string Megabytes(double? bytes) => bytes is null ? "–" : $"{Number(bytes / 1e6, "0.0")} MB";

    private static string Milliseconds(double? value) => value is >= 10_000 ? $"{Number(value / 1000, "0.0")} s" : value is null ? "–" : $"{Number(value, "0")} ms";

    private static string Number(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";

    private static string Short(string identity) => identity.Length == 64 ? identity[..16] : identity;
}
