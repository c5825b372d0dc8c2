using System.Globalization;
using System.Text;

namespace Crescent.Bench.Reporting;

/// <summary>RESULTS.md from what was measured.</summary>
public static class Markdown
{
    private const string Head = """
        # Crescent and llama.cpp on one machine

        Written by `tests/bench/run.sh`; what was tried, what failed and why figures are what they are is in
        [NOTES.md](NOTES.md). Every figure is the median (smallest–largest) of its samples; a ratio is that of two medians.


        """;

    private const string Method = """
        ## How it is measured

        - Both engines read the same GGUF file: random weights, quantised by `Crescent.Testing`, every matrix in the format
          named, vectors in F32. Before a model is timed, both continue a prompt of 64 tokens greedily; the tokens must agree
          as far as they are not ties, and the log probabilities of the five most likely first tokens to 0.15, or to 0.5
          where weights are quantised: llama.cpp then rounds activations to 8 bits too.
        - A round measures llama.cpp, then Crescent, each in a new process that warms up first; rounds repeat. Two threads are
          pinned to both processors, one thread to the last.
        - llama.cpp is llama-bench with flash attention and its default F16 KV, built from source for this processor. It times
          the forward pass alone. Crescent is timed as a user gets it: request to worker, scheduler, forward pass, greedy
          sampling, frames to the reader; KV is BF16.
        - Decode: 64 tokens behind the depth. llama-bench prefills a depth once; Crescent's KV is planted: random blocks that
          the prefix cache answers with. Prefill: random tokens, to the first token. A depth above 32,768 is Crescent's alone.
        - 16 sequences: each holds 1,024 tokens of KV and generates 128; tokens of all by the time of the slowest. Prompts are
          in both servers' caches before. llama-server has 16 slots.
        - Memory: Rss of the server, less the mapped model file and the KV in use. Start: a whole process up to its end.
        - Before a row the load average is noted (earlier rows raise it). A round in which other processes had more than 6% of
          the processors is measured again, and not reported if that goes on; `--force` reports it as busy.
        - A commit ending in +changes was not clean.

        """;

    public static string Write(Results results)
    {
        var text = new StringBuilder(Head);
        WriteGoals(text, results.Rows);
        text.Append("![tokens per second over depth](depth.svg)\n\n");
        foreach (var group in results.Rows.GroupBy(row => row.Group))
        {
            WriteGroup(text, group.Key, [.. group]);
        }

        WriteMachine(text, results);
        return text.Append(Method).ToString().TrimEnd() + "\n";
    }

    /// <summary>One row in one line.</summary>
    public static string Line(ResultRow row)
    {
        var ratio = row.Ratio is { } value ? $", {Ratio(value)}" : "";
        var reference = row.Reference is null ? "" : $", {row.ReferenceName} {Cell(row.Reference)}";
        var verdict = row.Reached switch { true => " reached", false => $" (target {row.Target})", null => "" };
        return $"{row.Id}: {row.SubjectName} {Cell(row.Subject)}{reference} {row.Unit}{ratio}{verdict}{(row.Busy ? " BUSY" : "")}";
    }

    private static void WriteGoals(StringBuilder text, IReadOnlyList<ResultRow> rows)
    {
        text.Append("## Goals\n\n| work | goal | measured, worst to best | rows that reach it |\n| --- | --- | --- | --- |\n");
        foreach (var goal in rows.Where(row => row.Reached is not null && !row.Busy).GroupBy(row => row.Target!.Goal))
        {
            var target = goal.First().Target!;
            var values = goal.Select(row => target.AtMost is null ? row.Ratio ?? 0 : row.Subject!.Median).Order().ToArray();
            string[] ends = target.AtMost is null ? [Ratio(values[0]), Ratio(values[^1])] : [Number(values[^1]), Number(values[0])];
            var measured = values.Length == 1 ? ends[0] : $"{ends[0]} to {ends[1]}";
            text.Append(CultureInfo.InvariantCulture, $"| {goal.Key} | {target} | {measured} | {goal.Count(row => row.Reached == true)} of {goal.Count()} |\n");
        }

        text.Append('\n');
    }

    private static void WriteGroup(StringBuilder text, string name, IReadOnlyList<ResultRow> rows)
    {
        text.Append(CultureInfo.InvariantCulture, $"## {name}\n\n");
        foreach (var table in rows.GroupBy(row => (row.SubjectName, row.ReferenceName, row.Unit)))
        {
            var (subject, reference, unit) = table.Key;
            if (table.All(row => row.Reference is null))
            {
                text.Append(CultureInfo.InvariantCulture, $"| {unit} | {subject} | load | commit |\n| --- | --- | --- | --- |\n");
                foreach (var row in table)
                {
                    text.Append(CultureInfo.InvariantCulture, $"| {row.Configuration} | {Cell(row.Subject)} | {Origin(row)} |\n");
                }
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"| {unit} | {reference} | {subject} | ratio | goal | reached | load | commit |\n| --- | --- | --- | --- | --- | --- | --- | --- |\n");
                foreach (var row in table)
                {
                    text.Append(CultureInfo.InvariantCulture, $"| {row.Configuration} | {Cell(row.Reference)} | {Cell(row.Subject)} | {(row.Ratio is { } ratio ? Ratio(ratio) : "")} | {row.Target} | {Verdict(row.Reached)} | {Origin(row)} |\n");
                }
            }

            text.Append('\n');
        }
    }

    private static void WriteMachine(StringBuilder text, Results results)
    {
        text.Append("## Machine and programs\n\n| what | |\n| --- | --- |\n");
        foreach (var (name, value) in results.Machine)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {name} | {value} |\n");
        }

        var agreement = results.Agreement.Select(model => $"{model.Key} {model.Value.ToString("0.000", CultureInfo.InvariantCulture)}");
        text.Append(CultureInfo.InvariantCulture, $"| largest difference of first log probabilities | {string.Join(", ", agreement)} |\n\n");
    }

    private static string Origin(ResultRow row) =>
        string.Create(CultureInfo.InvariantCulture, $"{row.LoadAverage:0.0}{(row.Busy ? $", **busy** ({row.OthersShare:P0} by others)" : "")} | {row.Commit}");

    private static string Verdict(bool? reached) => reached switch { true => "yes", false => "**no**", null => "" };

    private static string Cell(Samples? samples) => samples is null ? "–"
        : samples.Values.Count == 1 ? Number(samples.Median)
        : $"{Number(samples.Median)} ({Number(samples.Min)}–{Number(samples.Max)})";

    private static string Ratio(double value) => value.ToString(value < 10 ? "0.00×" : "0.0×", CultureInfo.InvariantCulture);

    /// <summary>Three digits.</summary>
    private static string Number(double value) => value.ToString(
        Math.Abs(value) switch { >= 100 => "#,0", >= 10 => "0.0", _ => "0.00" }, CultureInfo.InvariantCulture);
}
