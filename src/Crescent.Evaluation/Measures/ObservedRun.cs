namespace Crescent.Evaluation.Measures;

public sealed record AttentionOptions
{
    /// <summary>Tokens of a window.</summary>
    public required int Length { get; init; }

    /// <summary>Windows; fewer where the text is too short for different ones. Default: 4.</summary>
    public int Windows { get; init; } = 4;

    /// <summary>The last rows of a window are looked at: 1 to 256, no more than its tokens. Default: 8.</summary>
    public int Rows { get; init; } = 8;
}

/// <summary>Texts whose last rows are computed in one step under the eyes of an observer.</summary>
internal sealed class ObservedRun<T> : IDisposable
    where T : class
{
    private readonly AttentionTap<T> _tap;
    private readonly TextRun<T> _run;
    private readonly int _rows;

    public ObservedRun(MeasureInput<T> input, MeasuredSetup setup, AttentionOptions options)
    {
        _rows = options.Rows;
        _tap = new AttentionTap<T>(input.Backend);
        _run = new TextRun<T>(_tap, input, setup, options.Length);
    }

    public KvLayout Layout => _run.Layout;

    /// <summary>Ends of the windows.</summary>
    public static int[] Ends(MeasureInput<T> input, AttentionOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Rows, Math.Min(options.Length, TextRun<T>.MaxRows));
        return TextWindows.Ends(input.Text.Length, options.Length, options.Windows, apart: 1);
    }

    /// <param name="observer">Called for each layer in turn.</param>
    public void Run(ReadOnlySpan<int> window, Action<AttendCall<T>> observer)
    {
        _run.Restart();
        _run.Append(window[..^_rows]);
        _tap.Observer = observer;
        _run.Append(window[^_rows..]);
        _tap.Observer = null;
    }

    public void Dispose() => _run.Dispose();
}
