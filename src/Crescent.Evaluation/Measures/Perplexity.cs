namespace Crescent.Evaluation.Measures;

public sealed record PerplexityOptions
{
    /// <summary>Tokens of a window, each more than <see cref="Targets"/>.</summary>
    public required IReadOnlyList<int> Lengths { get; init; }

    /// <summary>Windows of each length; fewer where the text is too short for targets that do not overlap. Default: 8.</summary>
    public int Windows { get; init; } = 8;

    /// <summary>The last tokens of a window, which are predicted. Default: 256.</summary>
    public int Targets { get; init; } = 256;

    /// <summary>Of the bootstrap. Default: 1.</summary>
    public int Seed { get; init; } = 1;
}

/// <param name="Windows">Windows of each length.</param>
/// <param name="Targets">Tokens predicted in each.</param>
/// <param name="Rows">By ascending length.</param>
public sealed record PerplexityResult(MeasuredSetup Setup, int Windows, int Targets, IReadOnlyList<PerplexityRow> Rows);

/// <param name="Length">Tokens of a window.</param>
/// <param name="Nll">Mean negative log-likelihood of a token, in nats.</param>
/// <param name="Perplexity">Its exponential.</param>
/// <param name="WindowNll">The mean of each window, in the order of the text.</param>
/// <param name="AgainstShortest">
/// Nll less that of the shortest length for the same tokens, the bootstrap drawing windows; null for the shortest itself.
/// </param>
public sealed record PerplexityRow(int Length, double Nll, double Perplexity, IReadOnlyList<double> WindowNll, Interval? AgainstShortest);

/// <summary>
/// How well the text is predicted with more or less of it before: windows of every length end at the same places, so that
/// all lengths predict the same tokens.
/// </summary>
public static class Perplexity
{
    /// <exception cref="ArgumentException">The text is shorter than the longest window, or a window no longer than its targets.</exception>
    public static PerplexityResult Measure<T>(MeasureInput<T> input, MeasuredSetup setup, PerplexityOptions options)
        where T : class
    {
        int[] lengths = [.. options.Lengths.Distinct().Order()];
        ArgumentOutOfRangeException.ThrowIfZero(lengths.Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Targets, 1);
        if (lengths[0] <= options.Targets)
        {
            throw new ArgumentException($"a window of {lengths[0]} tokens cannot predict its last {options.Targets}");
        }

        int[] ends = TextWindows.Ends(input.Text.Length, lengths[^1], options.Windows, options.Targets);
        using var run = new TextRun<T>(input.Backend, input, setup, lengths[^1]);
        double all = lengths.Sum(length => (double)length) * ends.Length;
        double done = 0;
        var rows = new List<PerplexityRow>();
        foreach (int length in lengths)
        {
            double[] nll = new double[ends.Length];
            for (int i = 0; i < ends.Length; i++)
            {
                nll[i] = Nll(run, TextWindows.Cut(input, ends[i], length), options.Targets);
                input.Progress?.Report((done += length) / all);
            }

            double mean = nll.Average();
            var difference = rows.Count == 0 ? null
                : Bootstrap.Mean([[.. nll.Zip(rows[0].WindowNll, (longer, shortest) => longer - shortest)]], $"perplexity/{options.Seed}/{length}");
            rows.Add(new PerplexityRow(length, mean, Math.Exp(mean), nll, difference));
        }

        return new PerplexityResult(setup, ends.Length, options.Targets, rows);
    }

    /// <summary>Mean negative log-likelihood of the window's last tokens.</summary>
    private static double Nll<T>(TextRun<T> run, ReadOnlySpan<int> window, int targets)
        where T : class
    {
        run.Restart();
        run.Append(window[..^(targets + 1)]);
        double sum = 0;
        while (run.Position < window.Length - 1)
        {
            int first = run.Position;
            int count = Math.Min(run.MaxOutputs, window.Length - 1 - first);
            var logits = run.AppendForLogits(window.Slice(first, count));
            int vocabulary = logits.Length / count;
            for (int i = 0; i < count; i++)
            {
                var row = logits.Slice(i * vocabulary, vocabulary);
                sum += Distribution.LogSum(row) - row[window[first + i + 1]];
            }
        }

        return sum / targets;
    }
}
