using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tests.Support;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Running;

public sealed class ResultStoreTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string File => Path.Combine(_folder["out"], ResultStore.AnswersFile);

    [Fact]
    public void What_was_added_is_there_when_the_folder_is_opened_again()
    {
        var result = TestResults.Document("key", 4096, 0, 1, 0.5);
        using (var store = ResultStore.OpenAnswers(_folder["out"]))
        {
            store.Add(result);
        }

        using var again = ResultStore.OpenAnswers(_folder["out"]);
        var read = Assert.Single(again.Results);
        Assert.True(again.Contains(result.Key));
        Assert.False(again.Contains(result.Key with { Variant = new Variant("dense", "f32") }));
        Assert.False(again.Contains(result.Key with { Suite = result.Key.Suite with { Questions = 3 } }));
        Assert.Equal(result.Cases.Select(TestResults.Spell), read.Cases.Select(TestResults.Spell));
    }

    [Fact]
    public void A_document_that_is_there_twice_counts_once_and_the_later_one_holds()
    {
        using (var store = ResultStore.OpenAnswers(_folder["out"]))
        {
            store.Add(TestResults.Document("key", 4096, 0, 0, 0));
            store.Add(TestResults.Document("key", 4096, 0, 1, 1));
        }

        using var again = ResultStore.OpenAnswers(_folder["out"]);
        Assert.Equal(1, Assert.Single(again.Results).Cases[0].Score);
    }

    [Fact]
    public void A_line_that_was_cut_off_is_dropped_and_written_anew()
    {
        using (var store = ResultStore.OpenAnswers(_folder["out"]))
        {
            store.Add(TestResults.Document("key", 4096, 0, 1));
            store.Add(TestResults.Document("key", 4096, 1, 1));
        }

        string lines = System.IO.File.ReadAllText(File);
        System.IO.File.WriteAllText(File, lines[..^5]);
        using (var cut = ResultStore.OpenAnswers(_folder["out"]))
        {
            Assert.Single(cut.Results);
            cut.Add(TestResults.Document("key", 4096, 1, 1));
        }

        Assert.Equal(lines, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void A_file_of_something_else_is_refused_and_left_alone()
    {
        Directory.CreateDirectory(_folder["out"]);
        System.IO.File.WriteAllText(File, "{\"a\":1}\n");

        Assert.Contains(File, Assert.Throws<EvaluationException>(() => ResultStore.OpenAnswers(_folder["out"])).Message, StringComparison.Ordinal);
        Assert.Equal("{\"a\":1}\n", System.IO.File.ReadAllText(File));
    }

    public void Dispose() => _folder.Dispose();
}
