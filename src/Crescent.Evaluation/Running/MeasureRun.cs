using Crescent.Evaluation.Measures;

namespace Crescent.Evaluation.Running;

/// <param name="Tasks">Of <see cref="MeasureTasks.Names"/>.</param>
/// <param name="Lengths">In tokens, ascending.</param>
public sealed record MeasureSettings(IReadOnlyList<string> Tasks, IReadOnlyList<int> Lengths, MeasuredSetup Setup);

/// <summary>Takes the measures that a store does not have yet.</summary>
/// <param name="model">Fingerprint.</param>
/// <param name="text">Hash of the text.</param>
/// <param name="tell">Is told of each measure, a line at a time.</param>
public sealed class MeasureRun(string model, string text, MeasureSettings settings, ResultStore<MeasureKey, MeasureResult> store, Action<string> tell)
{
    private static readonly MeasuredSetup Baseline = new(DType.F32);

    /// <summary>Those of this run, taken now or before.</summary>
    public IReadOnlyList<MeasureResult> Results => [.. Keys().Select(key => store.Results.Single(result => result.Key == key))];

    /// <summary>All that the store has of this model and text, by task, then length and setup.</summary>
    public IReadOnlyList<MeasureResult> Known =>
    [
        .. store.Results.Where(result => result.Key.Model == model && result.Key.Text == text)
            .OrderBy(result => MeasureTasks.Names.ToList().IndexOf(result.Key.Task))
            .ThenBy(result => result.Key.Lengths.Length).ThenBy(result => result.Key.Lengths, StringComparer.Ordinal).ThenBy(result => result.Key.Setup.KvType),
    ];

    /// <exception cref="EvaluationException">The text is too short for a length.</exception>
    public void Run<T>(MeasureInput<T> input)
        where T : class
    {
        foreach (var key in Keys().Where(key => !store.Contains(key)).ToList())
        {
            string title = $"{key.Task}, {key.Lengths} tokens, KV as {key.Setup.KvType.ToString().ToLowerInvariant()}";
            int told = 0;
            var watched = input with { Progress = new Watch(done => Tell(title, done, ref told)) };
            try
            {
                store.Add(Measure(key, watched));
            }
            catch (ArgumentException e)
            {
                throw new EvaluationException($"{title}: {e.Message}");
            }
        }
    }

    /// <summary>Perplexity is one measure over all lengths, which are compared; the others are one for each.</summary>
    private IEnumerable<MeasureKey> Keys()
    {
        foreach (string task in settings.Tasks)
        {
            IEnumerable<string> lengths = task == MeasureTasks.Perplexity ? [string.Join(',', settings.Lengths)] : settings.Lengths.Select(length => $"{length}");
            foreach (string length in lengths)
            {
                yield return new MeasureKey(model, text, task, length, settings.Setup);
            }
        }
    }

    private MeasureResult Measure<T>(MeasureKey key, MeasureInput<T> input)
        where T : class
    {
        if (key.Task == MeasureTasks.Perplexity)
        {
            return new MeasureResult(key) { Perplexity = Perplexity.Measure(input, key.Setup, new PerplexityOptions { Lengths = settings.Lengths }) };
        }

        int length = int.Parse(key.Lengths, System.Globalization.CultureInfo.InvariantCulture);
        if (key.Task == MeasureTasks.Agreement)
        {
            return new MeasureResult(key) { Agreement = Agreement.Measure(input, Baseline, key.Setup, new AgreementOptions { PromptLength = length }) };
        }

        var options = new AttentionOptions { Length = length };
        return new MeasureResult(key)
        {
            Masses = AttentionMasses.Measure(input, key.Setup, options),
            Errors = AttentionErrors.Measure(input, Baseline, key.Setup, options),
        };
    }

    /// <summary>A line for every fifth that is done.</summary>
    private void Tell(string title, double done, ref int told)
    {
        int fifths = (int)(done * 5);
        if (fifths > told)
        {
            told = fifths;
            tell($"{title}: {fifths * 20}%");
        }
    }

    /// <summary>Unlike <see cref="Progress{T}"/> it is called at once, by whoever reports.</summary>
    private sealed class Watch(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
