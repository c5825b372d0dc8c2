using Crescent.Evaluation.Measures;
using Crescent.Evaluation.Reports;
using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tests.Measures;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Running;

public sealed class MeasureRunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly MeasuredModel _model = new(textLength: 700);
    private readonly List<string> _told = [];

    private static MeasureSettings Everything => new(MeasureTasks.Names, [300, 400], new MeasuredSetup(DType.Q8_0));

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void PerplexityIsOneMeasureAndTheOthersOneForEachLength()
    {
        using var store = ResultStore.OpenMeasures(null);
        var run = Run(store, Everything);

        Assert.Equal(
            [("perplexity", "300,400"), ("agreement", "300"), ("agreement", "400"), ("attention", "300"), ("attention", "400")],
            run.Results.Select(result => (result.Key.Task, result.Key.Lengths)));
        Assert.Equal([300, 400], run.Results[0].Perplexity!.Rows.Select(row => row.Length));
        Assert.Equal(400, run.Results[2].Agreement!.PromptLength);
        Assert.True(run.Results[2].Agreement!.MaxKl > 0);
        Assert.Equal(400, run.Results[4].Masses!.Length);
        Assert.All(run.Results[4].Errors!.Layers, error => Assert.InRange(error, 1e-6, 0.2));
        Assert.Contains("agreement, 400 tokens, KV as q8_0: 100%", _told);
    }

    [Fact]
    public void WhatAFolderHasIsNotMeasuredAgainAndReadsTheSame()
    {
        string first, again;
        using (var store = ResultStore.OpenMeasures(_folder["out"]))
        {
            first = MeasureReport.ToMarkdown("tiny", Run(store, Everything).Results);
        }

        _told.Clear();
        using (var store = ResultStore.OpenMeasures(_folder["out"]))
        {
            again = MeasureReport.ToMarkdown("tiny", Run(store, Everything).Results);
            Assert.Empty(_told);
            var other = Run(store, Everything with { Setup = new MeasuredSetup(DType.BF16), Tasks = [MeasureTasks.Agreement] });
            Assert.Equal(2, other.Results.Count);
            Assert.Equal([DType.BF16, DType.Q8_0], other.Known.Where(result => result.Key is { Task: "agreement", Lengths: "300" }).Select(result => result.Key.Setup.KvType));
            Assert.Equal("perplexity", other.Known[0].Key.Task);
        }

        Assert.Equal(first, again);
        Assert.Equal(5 + 2, File.ReadLines(Path.Combine(_folder["out"], ResultStore.MeasuresFile)).Count());
        Assert.NotEmpty(_told);
    }

    [Fact]
    public void TheReportHasATableForEachMeasure()
    {
        using var store = ResultStore.OpenMeasures(null);
        string report = MeasureReport.ToMarkdown("tiny", Run(store, Everything).Results);

        Assert.Contains("## Perplexity, KV as q8_0", report, StringComparison.Ordinal);
        Assert.Contains("| q8_0 | 300 | 8 × 64 tokens |", report, StringComparison.Ordinal);
        Assert.Contains("## Attention over 400 tokens, KV as q8_0", report, StringComparison.Ordinal);
        Assert.Contains("| layer | top 32 | top 100 | top 1% | top 2% | top 10% | attended | effective keys | output error |", report, StringComparison.Ordinal);
    }

    [Fact]
    public void ATextThatIsTooShortIsSaid()
    {
        using var store = ResultStore.OpenMeasures(null);
        var refused = Assert.Throws<EvaluationException>(() => Run(store, Everything with { Lengths = [1000], Tasks = [MeasureTasks.Attention] }));
        Assert.Equal("attention, 1000 tokens, KV as q8_0: the text has 700 tokens, fewer than a window of 1000", refused.Message);
    }

    private MeasureRun Run(ResultStore<MeasureKey, MeasureResult> store, MeasureSettings settings)
    {
        var run = new MeasureRun("model", "text", settings, store, _told.Add);
        run.Run(_model.Input);
        return run;
    }
}
