namespace Crescent.Evaluation.Measures;

/// <summary>Windows spread evenly over a text.</summary>
internal static class TextWindows
{
    /// <summary>Where windows end, ascending: the first at the earliest place, the last at the end of the text.</summary>
    /// <param name="longest">Tokens of the longest window.</param>
    /// <param name="count">As many windows as wanted; fewer where the text is short.</param>
    /// <param name="apart">Tokens between two ends at least.</param>
    /// <exception cref="ArgumentException">The text is shorter than a window.</exception>
    public static int[] Ends(int textLength, int longest, int count, int apart)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(longest, 1);
        if (textLength < longest)
        {
            throw new ArgumentException($"the text has {textLength} tokens, fewer than a window of {longest}");
        }

        int room = textLength - longest;
        int windows = Math.Min(count, 1 + (room / apart));
        return windows == 1 ? [textLength]
            : [.. Enumerable.Range(0, windows).Select(i => longest + (int)((long)room * i / (windows - 1)))];
    }

    /// <summary>The so many tokens before <paramref name="end"/>.</summary>
    public static int[] Cut<T>(MeasureInput<T> input, int end, int length)
        where T : class
    {
        int[] window = input.Text.Span[(end - length)..end].ToArray();
        window[0] = input.FirstToken ?? window[0];
        return window;
    }
}
