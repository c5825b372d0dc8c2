namespace Crescent.Evaluation.Measures;

/// <param name="Heads">By layer, then by query head.</param>
public sealed record AttentionMassResult(MeasuredSetup Setup, int Length, int Windows, int Rows, IReadOnlyList<AttentionHead> Heads);

/// <summary>Means over the rows that were looked at.</summary>
/// <param name="Head">Query head.</param>
/// <param name="Top">What few keys hold of the softmax.</param>
/// <param name="AttendedMass">What the keys hold that were attended: 1 with dense attention.</param>
/// <param name="EffectiveKeys">exp(entropy): so many keys of equal weight are as uncertain.</param>
public sealed record AttentionHead(int Layer, int Head, IReadOnlyList<TopMass> Top, double AttendedMass, double EffectiveKeys);

/// <param name="Keys">"32", "100", or a share of the keys a row may see, rounded up: "1%", "2%", "10%".</param>
/// <param name="Mass">Share of the softmax that the so many heaviest keys hold.</param>
public sealed record TopMass(string Keys, double Mass);

/// <summary>How attention is spread over the keys, for each query head: what a selector has to find, and what it found.</summary>
public static class AttentionMasses
{
    /// <exception cref="ArgumentException">The text is shorter than a window, or a window than its rows.</exception>
    public static AttentionMassResult Measure<T>(MeasureInput<T> input, MeasuredSetup setup, AttentionOptions options)
        where T : class
    {
        int[] ends = ObservedRun<T>.Ends(input, options);
        var config = input.File.Config;
        using var run = new ObservedRun<T>(input, setup, options);
        var weights = new AttentionWeights<T>(input.Backend, run.Layout, config.Heads, options.Rows, options.Length);
        HeadTally[] tallies = [.. Enumerable.Range(0, config.Layers * config.Heads).Select(i => new HeadTally(i / config.Heads, i % config.Heads))];
        int[] positions = [.. Enumerable.Range(0, options.Length)];
        for (int i = 0; i < ends.Length; i++)
        {
            run.Run(TextWindows.Cut(input, ends[i], options.Length), call =>
            {
                weights.Read(call);
                for (int item = 0; item < options.Rows * config.Heads; item++)
                {
                    var (row, head) = Math.DivRem(item, config.Heads);
                    double[] visible = weights.Of(row, head);
                    tallies[(call.Layer * config.Heads) + head].Add(visible, attended: positions.AsSpan(0, visible.Length));
                }
            });
            input.Progress?.Report((i + 1.0) / ends.Length);
        }

        return new AttentionMassResult(setup, options.Length, ends.Length, options.Rows, [.. tallies.Select(tally => tally.ToHead())]);
    }
}

/// <summary>What one head's rows come to.</summary>
internal sealed class HeadTally(int layer, int head)
{
    private static readonly (string Name, Func<int, int> Keys)[] Budgets =
    [
        ("32", visible => Math.Min(visible, 32)),
        ("100", visible => Math.Min(visible, 100)),
        ("1%", visible => (visible + 99) / 100),
        ("2%", visible => (visible + 49) / 50),
        ("10%", visible => (visible + 9) / 10),
    ];

    private readonly double[] _top = new double[Budgets.Length];
    private double _attended;
    private double _effective;
    private int _rows;

    /// <param name="weights">Softmax weights of the keys that the row may see.</param>
    /// <param name="attended">Indexes of those it attended.</param>
    public void Add(ReadOnlySpan<double> weights, ReadOnlySpan<int> attended)
    {
        foreach (int key in attended)
        {
            _attended += weights[key];
        }

        double[] sorted = weights.ToArray();
        Array.Sort(sorted);
        for (int i = 0; i < Budgets.Length; i++)
        {
            _top[i] += sorted.TakeLast(Budgets[i].Keys(sorted.Length)).Sum();
        }

        _effective += Math.Exp(-sorted.Sum(weight => weight > 0 ? weight * Math.Log(weight) : 0));
        _rows++;
    }

    public AttentionHead ToHead() => new(
        layer, head, [.. Budgets.Select((budget, i) => new TopMass(budget.Name, _top[i] / _rows))], _attended / _rows, _effective / _rows);
}
