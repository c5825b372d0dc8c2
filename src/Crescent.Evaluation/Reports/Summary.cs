using Crescent.Evaluation.Running;

namespace Crescent.Evaluation.Reports;

/// <summary>The score of one task at one length, from 0 to 1.</summary>
public sealed record Score(Variant Variant, string Task, int Length, int Documents, int Cases, double Mean, double Low, double High);

/// <summary>What one length took, over all tasks.</summary>
/// <param name="Score">Mean over all cases.</param>
/// <param name="TokensAttended">Keys that a generated token attended, on average.</param>
/// <param name="BytesMoved">Of K and V, that such a token read; null: not known.</param>
/// <param name="TokensPerSecond">Of one request while it generates, median; others run beside it. null: no answer had two tokens.</param>
/// <param name="ColdMs">To the first token of a document's first question, median.</param>
/// <param name="WarmMs">To the first token of its other questions, median.</param>
public sealed record Cost(
    Variant Variant, int Length, double Score, double TokensAttended, double? BytesMoved, double? TokensPerSecond, double? ColdMs, double? WarmMs);

/// <summary>How much higher a variant scores than the baseline in the same cases.</summary>
public sealed record Difference(Variant Variant, Variant Baseline, string Task, int Length, int Cases, double Mean, double Low, double High);

/// <summary>What all results of one suite come to.</summary>
/// <param name="Model">Its name.</param>
/// <param name="Differences">Between the first variant and each other one.</param>
public sealed record Summary(
    string Model,
    Suite Suite,
    IReadOnlyList<Variant> Variants,
    IReadOnlyList<Score> Scores,
    IReadOnlyList<Cost> Costs,
    IReadOnlyList<Difference> Differences)
{
    /// <param name="results">At least one; of other suites too, which are left out.</param>
    public static Summary Of(string model, Suite suite, IEnumerable<DocumentResult> results)
    {
        var order = Tasks.RecallTasks.Names.ToList();
        var ours = results.Where(result => result.Key.Suite == suite)
            .OrderBy(result => result.Key.Length).ThenBy(result => order.IndexOf(result.Key.Task)).ThenBy(result => result.Key.Document)
            .ToList();
        Variant[] variants = [.. ours.Select(result => result.Key.Variant).Distinct()
            .OrderBy(variant => variant.KvPolicy != KvPolicies.Dense)
            .ThenBy(variant => variant.KvPolicy, StringComparer.Ordinal).ThenBy(variant => variant.KvType, StringComparer.Ordinal)];
        return new Summary(
            model,
            suite,
            variants,
            [.. variants.SelectMany(variant => Of(ours, variant).GroupBy(result => (result.Key.Task, result.Key.Length)).Select(cell => ScoreOf(variant, [.. cell])))],
            [.. variants.SelectMany(variant => Of(ours, variant).GroupBy(result => result.Key.Length).Select(row => CostOf(variant, row.Key, [.. row])))],
            [.. variants.Skip(1).SelectMany(variant => Compare(Of(ours, variant), Of(ours, variants[0])))]);
    }

    private static IEnumerable<DocumentResult> Of(IEnumerable<DocumentResult> results, Variant variant) => results.Where(result => result.Key.Variant == variant);

    private static Score ScoreOf(Variant variant, List<DocumentResult> documents)
    {
        var key = documents[0].Key;
        double[][] scores = [.. documents.Select(document => document.Cases.Select(@case => @case.Score).ToArray())];
        var interval = Bootstrap.Mean(scores, $"{key.Suite.Seed}/{key.Task}/{key.Length}");
        return new Score(variant, key.Task, key.Length, documents.Count, scores.Sum(values => values.Length), interval.Mean, interval.Low, interval.High);
    }

    private static Cost CostOf(Variant variant, int length, List<DocumentResult> documents)
    {
        CaseResult[] cases = [.. documents.SelectMany(document => document.Cases)];
        var rates = cases.Where(@case => @case.CompletionTokens > 1 && @case.FirstTokenMs < @case.TotalMs)
            .Select(@case => (@case.CompletionTokens - 1) / (@case.TotalMs - @case.FirstTokenMs) * 1000);
        double attended = cases.Average(Attended);
        return new Cost(
            variant,
            length,
            cases.Average(@case => @case.Score),
            attended,
            attended * documents[0].KvBytesPerToken,
            Median(rates),
            Median(documents.Select(document => document.Cases[0].FirstTokenMs)),
            Median(documents.SelectMany(document => document.Cases.Skip(1)).Select(@case => @case.FirstTokenMs)));
    }

    /// <summary>Dense attention: token i of the answer attends the prompt and the i tokens up to itself.</summary>
    private static double Attended(CaseResult @case) => @case.PromptTokens + ((@case.CompletionTokens - 1) / 2.0);

    /// <summary>Cases that both have, in pairs.</summary>
    private static IEnumerable<Difference> Compare(IEnumerable<DocumentResult> results, IEnumerable<DocumentResult> baseline)
    {
        var others = baseline.ToDictionary(result => (result.Key.Task, result.Key.Length, result.Key.Document));
        var pairs = results.Where(result => others.ContainsKey((result.Key.Task, result.Key.Length, result.Key.Document)))
            .Select(result => (result, other: others[(result.Key.Task, result.Key.Length, result.Key.Document)]));
        foreach (var cell in pairs.GroupBy(pair => (pair.result.Key.Task, pair.result.Key.Length)))
        {
            double[][] differences = [.. cell.Select(pair => pair.result.Cases.Zip(pair.other.Cases, (a, b) => a.Score - b.Score).ToArray())];
            var (key, other) = (cell.First().result.Key, cell.First().other.Key);
            var interval = Bootstrap.Mean(differences, $"{key.Suite.Seed}/{key.Task}/{key.Length}");
            yield return new Difference(
                key.Variant, other.Variant, key.Task, key.Length, differences.Sum(values => values.Length), interval.Mean, interval.Low, interval.High);
        }
    }

    /// <summary>Of those that are known; null: of none.</summary>
    private static double? Median(IEnumerable<double?> values)
    {
        double[] sorted = [.. values.OfType<double>().Order()];
        int middle = sorted.Length / 2;
        return sorted.Length == 0 ? null : sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
