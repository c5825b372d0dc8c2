using System.Globalization;
using System.Text;
using System.Text.Json;
using Crescent.Evaluation.Measures;
using Crescent.Evaluation.Running;

namespace Crescent.Evaluation.Reports;

/// <summary>Measures as JSON and as Markdown tables.</summary>
public static class MeasureReport
{
    private static readonly CompositeFormat Head = CompositeFormat.Parse("""
        # Measures of {0}

        Written by `crescent eval`. In nats; the same tokens are predicted whatever the length. Baseline of agreement and output
        error is dense attention over F32 KV.


        """);

    public static string ToJson(IEnumerable<MeasureResult> results) => JsonSerializer.Serialize(results, ResultStore.Json);

    /// <param name="model">Its name.</param>
    public static string ToMarkdown(string model, IReadOnlyList<MeasureResult> results)
    {
        var text = new StringBuilder();
        text.AppendFormat(CultureInfo.InvariantCulture, Head, model);
        WritePerplexity(text, [.. results.Select(result => result.Perplexity).OfType<PerplexityResult>()]);
        WriteAgreement(text, [.. results.Select(result => result.Agreement).OfType<AgreementResult>()]);
        foreach (var result in results.Where(result => result is { Masses: not null, Errors: not null }))
        {
            WriteAttention(text, result.Masses!, result.Errors!);
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void WritePerplexity(StringBuilder text, IReadOnlyList<PerplexityResult> results)
    {
        foreach (var result in results)
        {
            Line(text, $"## Perplexity, KV as {Name(result.Setup)}\n\nThe last {result.Targets} tokens of {result.Windows} windows.\n");
            Line(text, $"| tokens of context | nats per token | perplexity | against {Names.Of(result.Rows[0].Length)}, with 95% interval |\n| --- | --- | --- | --- |");
            foreach (var row in result.Rows)
            {
                string against = row.AgainstShortest is { } difference
                    ? FormattableString.Invariant($"{difference.Mean:+0.000;−0.000} ({difference.Low:+0.000;−0.000} to {difference.High:+0.000;−0.000})")
                    : "–";
                Line(text, $"| {Names.Of(row.Length)} | {row.Nll:0.000} | {row.Perplexity:0.00} | {against} |");
            }

            text.Append('\n');
        }
    }

    private static void WriteAgreement(StringBuilder text, IReadOnlyList<AgreementResult> results)
    {
        if (results.Count == 0)
        {
            return;
        }

        Line(text, $"## Agreement\n\n| KV | prompt | texts | unchanged | same likeliest token | mean KL | largest KL |\n| --- | --- | --- | --- | --- | --- | --- |");
        foreach (var result in results)
        {
            Line(text, $"| {Name(result.Candidate)} | {Names.Of(result.PromptLength)} | {result.Texts.Count} × {result.Generated} tokens | {result.TextsUnchanged:0.0%} | {result.SameArgmax:0.00%} | {result.MeanKl:0.0e+0} | {result.MaxKl:0.0e+0} |");
        }

        text.Append('\n');
    }

    /// <summary>A row for each layer, the mean of its heads.</summary>
    private static void WriteAttention(StringBuilder text, AttentionMassResult masses, AttentionErrorResult errors)
    {
        string[] budgets = [.. masses.Heads[0].Top.Select(top => top.Keys)];
        Line(text, $"## Attention over {Names.Of(masses.Length)} tokens, KV as {Name(masses.Setup)}\n");
        Line(text, $"Share of the softmax that the heaviest keys hold, mean of the heads; the last {masses.Rows} rows of {masses.Windows} windows.\n");
        Line(text, $"| layer | {string.Join(" | ", budgets.Select(keys => $"top {keys}"))} | attended | effective keys | output error |\n| --- |{string.Concat(Enumerable.Repeat(" --- |", budgets.Length + 3))}");
        foreach (var layer in masses.Heads.GroupBy(head => head.Layer))
        {
            var shares = budgets.Select((_, i) => layer.Average(head => head.Top[i].Mass).ToString("0.000", CultureInfo.InvariantCulture));
            Line(text, $"| {layer.Key} | {string.Join(" | ", shares)} | {layer.Average(head => head.AttendedMass):0.000} | {layer.Average(head => head.EffectiveKeys):N0} | {errors.Layers[layer.Key]:0.0e+0} |");
        }

        text.Append('\n');
    }

    private static string Name(MeasuredSetup setup) => setup.KvType.ToString().ToLowerInvariant();

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
