namespace Crescent.Evaluation.Measures;

public sealed record AgreementOptions
{
    /// <summary>Tokens of a prompt.</summary>
    public required int PromptLength { get; init; }

    /// <summary>Prompts; fewer where the text is too short for different ones. Default: 8.</summary>
    public int Prompts { get; init; } = 8;

    /// <summary>Tokens generated after each prompt; an end of the text does not end it. Default: 64.</summary>
    public int Generated { get; init; } = 64;
}

/// <param name="SameArgmax">Share of tokens that are the likeliest for both.</param>
/// <param name="TextsUnchanged">Share of prompts whose whole greedy continuation is the same.</param>
/// <param name="MeanKl">Mean over tokens of KL(baseline || candidate), in nats.</param>
/// <param name="MaxKl">The largest of a token.</param>
/// <param name="Texts">One for each prompt, in the order of the text.</param>
public sealed record AgreementResult(
    MeasuredSetup Baseline,
    MeasuredSetup Candidate,
    int PromptLength,
    int Generated,
    double SameArgmax,
    double TextsUnchanged,
    double MeanKl,
    double MaxKl,
    IReadOnlyList<AgreementText> Texts);

/// <param name="End">Where the prompt ends in the text.</param>
/// <param name="SameArgmax">Share of its tokens.</param>
/// <param name="MeanKl">Over its tokens.</param>
/// <param name="MaxKl">Of its tokens.</param>
public sealed record AgreementText(int End, double SameArgmax, double MeanKl, double MaxKl);

/// <summary>
/// Whether a candidate says what a baseline says. The baseline continues prompts greedily; both are given its tokens one at a
/// time, and what they predict next is compared. As long as their likeliest tokens are equal, that is the candidate's own
/// greedy text too: it is unchanged when all of them are.
/// </summary>
public static class Agreement
{
    /// <exception cref="ArgumentException">The text is shorter than a prompt.</exception>
    public static AgreementResult Measure<T>(MeasureInput<T> input, MeasuredSetup baseline, MeasuredSetup candidate, AgreementOptions options)
        where T : class
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Generated, 1);
        int[] ends = TextWindows.Ends(input.Text.Length, options.PromptLength, options.Prompts, apart: 1);
        int positions = options.PromptLength + options.Generated;
        using var first = new TextRun<T>(input.Backend, input, baseline, positions);
        using var second = new TextRun<T>(input.Backend, input, candidate, positions);
        var texts = new List<AgreementText>();
        foreach (int end in ends)
        {
            int[] prompt = TextWindows.Cut(input, end, options.PromptLength);
            texts.Add(Compare(first, second, prompt, options.Generated, end));
            input.Progress?.Report((double)texts.Count / ends.Length);
        }

        return new AgreementResult(
            baseline,
            candidate,
            options.PromptLength,
            options.Generated,
            texts.Average(text => text.SameArgmax),
            texts.Average(text => text.SameArgmax == 1 ? 1.0 : 0.0),
            texts.Average(text => text.MeanKl),
            texts.Max(text => text.MaxKl),
            texts);
    }

    private static AgreementText Compare<T>(TextRun<T> baseline, TextRun<T> candidate, int[] prompt, int generated, int end)
        where T : class
    {
        var (same, sum, max) = (0, 0.0, 0.0);
        baseline.Restart();
        baseline.Append(prompt.AsSpan(..^1));
        candidate.Restart();
        candidate.Append(prompt.AsSpan(..^1));
        int token = prompt[^1];
        for (int i = 0; i < generated; i++)
        {
            var expected = baseline.AppendForLogits([token]);
            var actual = candidate.AppendForLogits([token]);
            token = Distribution.Best(expected);
            same += Distribution.Best(actual) == token ? 1 : 0;
            double divergence = Distribution.Divergence(expected, actual);
            sum += divergence;
            max = Math.Max(max, divergence);
        }

        return new AgreementText(end, (double)same / generated, sum / generated, max);
    }
}
