namespace Crescent.Evaluation.Measures;

/// <param name="Layers">For each layer ‖candidate − baseline‖ / ‖baseline‖ over all outputs of its attention that were looked at.</param>
public sealed record AttentionErrorResult(
    MeasuredSetup Baseline, MeasuredSetup Candidate, int Length, int Windows, int Rows, IReadOnlyList<double> Layers);

/// <summary>
/// How far a candidate's attention is from a baseline's, layer by layer, before the output matrix. The candidate computes the
/// text by itself, so a layer's error includes what came down from those before it.
/// </summary>
public static class AttentionErrors
{
    /// <exception cref="ArgumentException">The text is shorter than a window, or a window than its rows.</exception>
    public static AttentionErrorResult Measure<T>(MeasureInput<T> input, MeasuredSetup baseline, MeasuredSetup candidate, AttentionOptions options)
        where T : class
    {
        int[] ends = ObservedRun<T>.Ends(input, options);
        var config = input.File.Config;
        using var first = new ObservedRun<T>(input, baseline, options);
        using var second = new ObservedRun<T>(input, candidate, options);
        float[][] expected = [.. Enumerable.Range(0, config.Layers).Select(_ => new float[options.Rows * config.Heads * config.HeadDim])];
        float[] actual = new float[expected[0].Length];
        var errors = new RelativeError[config.Layers];
        for (int i = 0; i < ends.Length; i++)
        {
            int[] window = TextWindows.Cut(input, ends[i], options.Length);
            first.Run(window, call => input.Backend.Download(call.Output, expected[call.Layer]));
            second.Run(window, call =>
            {
                input.Backend.Download(call.Output, actual);
                errors[call.Layer].Add(expected[call.Layer], actual);
            });
            input.Progress?.Report((i + 1.0) / ends.Length);
        }

        return new AttentionErrorResult(
            baseline, candidate, options.Length, ends.Length, options.Rows, [.. errors.Select(error => error.Value)]);
    }
}

/// <summary>‖actual − expected‖ / ‖expected‖ of vectors that come in parts.</summary>
internal struct RelativeError
{
    private double _difference;
    private double _expected;

    public readonly double Value => _difference == 0 ? 0 : Math.Sqrt(_difference / _expected);

    public void Add(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            double difference = (double)actual[i] - expected[i];
            _difference += difference * difference;
            _expected += (double)expected[i] * expected[i];
        }
    }
}
