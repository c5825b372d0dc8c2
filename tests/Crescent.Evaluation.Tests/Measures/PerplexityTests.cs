using System.Text.Json;
using Crescent.Evaluation.Measures;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Measures;

public sealed class PerplexityTests
{
    /// <summary>Two windows of 40 and 75 tokens end at 75 and 120; the last 30 are predicted.</summary>
    private static readonly PerplexityOptions Options = new() { Lengths = [75, 40], Windows = 2, Targets = 30 };

    [Theory]
    [InlineData(null)]
    [InlineData(5)]
    public void EqualsTheReferenceDecoder(int? firstToken)
    {
        using var model = new MeasuredModel(textLength: 120);
        var result = Perplexity.Measure(model.Input with { FirstToken = firstToken }, MeasuredModel.F32, Options);

        Assert.Equal([40, 75], result.Rows.Select(row => row.Length));
        foreach (var row in result.Rows)
        {
            double[] expected = [.. new[] { 75, 120 }.Select(end => ReferenceNll(model, end, row.Length, firstToken))];
            Assert.Equal(expected, row.WindowNll, (a, b) => Math.Abs(a - b) < 1e-4);
            Assert.Equal(expected.Average(), row.Nll, 1e-4);
            Assert.Equal(Math.Exp(row.Nll), row.Perplexity, 1e-9);
        }
    }

    [Fact]
    public void LogitsInPiecesGiveTheSame()
    {
        // So large a vocabulary that a step has room for a few rows of logits only.
        using var model = new MeasuredModel(textLength: 120, RandomModel.Config() with { VocabularySize = 600_000, HiddenSize = 8, HeadDim = 4, Layers = 1 });
        var result = Perplexity.Measure(model.Input, MeasuredModel.F32, Options with { Lengths = [40], Windows = 1 });

        Assert.Equal(ReferenceNll(model, 120, 40, firstToken: null), result.Rows[0].Nll, 1e-4);
    }

    [Fact]
    public void TheDifferenceToTheShortestIsPaired()
    {
        using var model = new MeasuredModel(textLength: 400);
        var rows = Perplexity.Measure(model.Input, MeasuredModel.F32, Options with { Windows = 5 }).Rows;

        Assert.Null(rows[0].AgainstShortest);
        var difference = rows[1].AgainstShortest!;
        double[] paired = [.. rows[1].WindowNll.Zip(rows[0].WindowNll, (a, b) => a - b)];
        Assert.Equal(rows[1].Nll - rows[0].Nll, difference.Mean, 1e-12);
        Assert.InRange(difference.Low, paired.Min(), difference.Mean);
        Assert.InRange(difference.High, difference.Mean, paired.Max());
    }

    [Fact]
    public void WindowsThatWouldPredictATokenTwiceAreLeftOut()
    {
        using var model = new MeasuredModel(textLength: 120);

        Assert.Equal(2, Perplexity.Measure(model.Input, MeasuredModel.F32, Options with { Windows = 8 }).Windows);
    }

    [Theory]
    [InlineData(30)]
    [InlineData(121)]
    public void LengthsThatDoNotGoAreRefused(int length)
    {
        using var model = new MeasuredModel(textLength: 120);

        Assert.Throws<ArgumentException>(() => Perplexity.Measure(model.Input, MeasuredModel.F32, Options with { Lengths = [length] }));
    }

    [Fact]
    public void CanBeCancelledAndTellsItsProgress()
    {
        using var model = new MeasuredModel(textLength: 120);
        var progress = new Shares();
        Perplexity.Measure(model.Input with { Progress = progress }, MeasuredModel.F32, Options);

        Assert.Equal([40 / 230.0, 80 / 230.0, 155 / 230.0, 1], progress.Reported);
        Assert.Throws<OperationCanceledException>(() =>
            Perplexity.Measure(model.Input with { Cancellation = new CancellationToken(canceled: true) }, MeasuredModel.F32, Options));
    }

    [Fact]
    public void TheResultIsReadableAsJson()
    {
        using var model = new MeasuredModel(textLength: 120);
        var result = Perplexity.Measure(model.Input, MeasuredModel.BF16, Options);
        string json = JsonSerializer.Serialize(result);

        Assert.Contains("\"KvType\":\"BF16\"", json, StringComparison.Ordinal);
        Assert.Equal(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<PerplexityResult>(json)));
    }

    private static double ReferenceNll(MeasuredModel model, int end, int length, int? firstToken)
    {
        int[] window = model.Input.Text.Span[(end - length)..end].ToArray();
        window[0] = firstToken ?? window[0];
        double[][] logits = new ReferenceDecoder(model.File).AllLogits(window[..^1]);
        return Enumerable.Range(length - Options.Targets, Options.Targets).Average(position =>
        {
            double[] row = logits[position - 1];
            return Math.Log(row.Sum(Math.Exp)) - row[window[position]];
        });
    }

    private sealed class Shares : IProgress<double>
    {
        public List<double> Reported { get; } = [];

        public void Report(double value) => Reported.Add(value);
    }
}
