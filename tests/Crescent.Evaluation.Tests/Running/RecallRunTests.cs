using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tests.Support;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Running;

public sealed class RecallRunTests : IDisposable
{
    private const int Probes = 3;

    private static readonly RecallSettings Settings = new()
    {
        Tasks = ["key", "multi-key"],
        Lengths = [1000, 600],
        Documents = 2,
        Questions = 5,
        Concurrency = 2,
    };

    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _told = [];

    [Fact]
    public async Task Every_question_is_asked_once_scored_and_kept_with_its_document()
    {
        var subject = new FakeSubject();
        using var store = ResultStore.OpenAnswers(null);
        var run = Run(subject, Settings, store);
        await run.RunAsync(CancellationToken.None);

        Assert.Equal(Probes + (2 * 2 * 2 * 5), subject.Asked);
        Assert.Equal(2, subject.MostAtOnce);
        Assert.Equal(8, store.Results.Count);
        Assert.All(store.Results, result => Assert.Equal(Enumerable.Range(0, 5), result.Cases.Select(@case => @case.Question)));
        Assert.All(store.Results.SelectMany(result => result.Cases), @case => Assert.Equal(1, @case.Score));
        Assert.All(store.Results, result => Assert.InRange(result.Cases.Max(@case => @case.PromptTokens), result.Key.Length * 0.9, result.Key.Length));
        Assert.Equal([600, 600, 600, 600, 1000, 1000, 1000, 1000], store.Results.Select(result => result.Key.Length));
    }

    [Fact]
    public async Task An_estimate_is_told_first_and_then_every_document()
    {
        using var store = ResultStore.OpenAnswers(null);
        await Run(new FakeSubject(), Settings, store).RunAsync(CancellationToken.None);

        Assert.Equal(9, _told.Count);
        Assert.Matches(@"^about \d+ s for 8 documents of 8 with 5 questions each, by prompts of 4\d\d and 9\d\d tokens$", _told[0]);
        Assert.StartsWith("[1/8] key, 600 tokens, document 1: 100.0%; ", _told[1], StringComparison.Ordinal);
        Assert.EndsWith("; 0 s to go", _told[8], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_run_that_broke_off_goes_on_where_it_was()
    {
        using (var store = ResultStore.OpenAnswers(_folder.Path))
        {
            var failing = new FakeSubject { FailsAt = Probes + (3 * 5) + 2 };
            await Assert.ThrowsAsync<EvaluationException>(() => Run(failing, Settings, store).RunAsync(CancellationToken.None));
            Assert.Equal(3, store.Results.Count);
        }

        var subject = new FakeSubject();
        using (var store = ResultStore.OpenAnswers(_folder.Path))
        {
            await Run(subject, Settings, store).RunAsync(CancellationToken.None);
            Assert.Equal(8, store.Results.Count);
            Assert.Equal(Probes + (5 * 5), subject.Asked);
            Assert.Contains("for 5 documents of 8", _told.Last(line => line.StartsWith("about", StringComparison.Ordinal)), StringComparison.Ordinal);
        }

        using var whole = ResultStore.OpenAnswers(_folder.Path);
        await Run(subject, Settings, whole).RunAsync(CancellationToken.None);
        Assert.Equal(Probes + (5 * 5), subject.Asked);
        Assert.Equal(8, File.ReadLines(Path.Combine(_folder.Path, ResultStore.AnswersFile)).Count());
        Assert.Equal("all 8 documents are answered already", _told[^1]);
    }

    [Fact]
    public async Task Another_kv_type_is_asked_the_same_anew()
    {
        using var store = ResultStore.OpenAnswers(null);
        await Run(new FakeSubject(), Settings, store).RunAsync(CancellationToken.None);
        await Run(new FakeSubject { KvType = "f32" }, Settings, store).RunAsync(CancellationToken.None);

        Assert.Equal(16, store.Results.Count);
        Assert.All(
            store.Results.GroupBy(result => (result.Key.Task, result.Key.Length, result.Key.Document)),
            pair => Assert.Single(pair.Select(result => string.Join(' ', result.Cases.Select(@case => @case.Expected[0]))).Distinct()));
    }

    [Fact]
    public async Task A_task_that_does_not_fit_a_length_is_left_out_there_and_said_to_be()
    {
        var settings = Settings with { Tasks = ["key", "multi-value"], Lengths = [256], Documents = 1 };
        using var store = ResultStore.OpenAnswers(null);
        await Run(new FakeSubject(), settings, store).RunAsync(CancellationToken.None);
        Assert.Equal("key", Assert.Single(store.Results).Key.Task);
        Assert.StartsWith("[2/2] multi-value, 256 tokens, document 1: left out, length 256 is too short", _told[^1], StringComparison.Ordinal);

        using var empty = ResultStore.OpenAnswers(null);
        var run = Run(new FakeSubject(), settings with { Tasks = ["multi-value"] }, empty);
        await Assert.ThrowsAsync<EvaluationException>(() => run.RunAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_length_over_the_models_context_is_refused_before_anything_is_asked()
    {
        var subject = new FakeSubject();
        using var store = ResultStore.OpenAnswers(null);
        var run = Run(subject, Settings with { Lengths = [600, 20_000] }, store);
        var error = await Assert.ThrowsAsync<EvaluationException>(() => run.RunAsync(CancellationToken.None));

        Assert.Equal("length 20,000 is over the context of 'fake', 10,000 tokens", error.Message);
        Assert.Equal(0, subject.Asked);
    }

    public void Dispose() => _folder.Dispose();

    private RecallRun Run(ISubject subject, RecallSettings settings, ResultStore<DocumentKey, DocumentResult> store) =>
        new(subject, TestMaterial.Material, settings, store, _told.Add);
}
