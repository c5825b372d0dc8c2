using System.Text.Json;
using System.Xml.Linq;
using Crescent.Evaluation.Reports;
using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tests.Support;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Reports;

public sealed class ReportTests : IDisposable
{
    private static readonly Variant Exact = new("dense", "bf16"), Small = new("dense", "q8_0");

    private readonly TemporaryFolder _folder = new();

    private static DocumentResult Other => TestResults.Document("key", 4096, 0, 0, 0) is var result
        ? result with { Key = result.Key with { Suite = result.Key.Suite with { Seed = 8 } } } : null!;

    private static DocumentResult[] Results =>
    [
        TestResults.Document(Small, "key", 4096, 0, 0, 1),
        TestResults.Document(Small, "key", 4096, 1, 1, 0),
        TestResults.Document(Exact, "facts", 1000, 0, 0.5, 0.5),
        TestResults.Document(Exact, "key", 16_384, 0, 1, 1),
        TestResults.Document(Exact, "key", 4096, 1, 1, 1),
        TestResults.Document(Exact, "key", 4096, 0, 0, 1),
        Other,
    ];

    [Fact]
    public void Tables_say_what_was_found_what_it_took_and_how_variants_differ()
    {
        var report = new RecallReport("tiny", TestResults.Suite, Results);

        Assert.Equal(Golden, report.ToMarkdown());
    }

    [Fact]
    public void Differences_are_those_of_the_same_cases()
    {
        var difference = Assert.Single(new RecallReport("tiny", TestResults.Suite, Results).Summary.Differences);

        Assert.Equal((Small, Exact, "key", 4096, 4), (difference.Variant, difference.Baseline, difference.Task, difference.Length, difference.Cases));

        // Document 0 differs nowhere; document 1 by 0 and −1: means 0, −¼ and −½.
        Assert.Equal((-0.25, -0.5, 0), (difference.Mean, difference.Low, difference.High));
    }

    [Fact]
    public void Files_are_the_tables_the_numbers_and_a_map_per_variant()
    {
        new RecallReport("tiny", TestResults.Suite, Results).WriteTo(_folder.Path);

        string markdown = File.ReadAllText(_folder["results.md"]);
        Assert.Contains("](heatmap-dense-bf16.svg)", markdown, StringComparison.Ordinal);
        Assert.Contains("](heatmap-dense-q8_0.svg)", markdown, StringComparison.Ordinal);
        var summary = JsonDocument.Parse(File.ReadAllText(_folder["results.json"])).RootElement;
        Assert.Equal(4, summary.GetProperty("scores").GetArrayLength());
        Assert.Equal(0.75, summary.GetProperty("scores")[1].GetProperty("mean").GetDouble());
        Assert.False(summary.TryGetProperty("results", out _));
        Assert.True(File.Exists(_folder["heatmap-dense-q8_0.svg"]));
    }

    [Fact]
    public void A_heat_map_has_a_number_in_each_cell_that_was_measured()
    {
        var svg = XDocument.Parse(HeatMap.Draw("<tiny>", TestResults.Suite, Exact, Results)).Root!;
        var texts = svg.Descendants().Where(element => element.Name.LocalName == "text").Select(element => element.Value).ToList();

        Assert.Contains("Recall of <tiny>: dense, KV bf16", texts);
        Assert.Equal(["key", "facts"], texts.Where(text => text is "key" or "facts"));

        // Two tasks × three lengths × ten depths, of which two depths of key at 4K and 16K and of facts at 1,000 are known.
        Assert.Equal(60 - 6, texts.Count(text => text == "–"));
        Assert.Equal(3 + 1, texts.Count(text => text == "100"));
        Assert.Equal(2 + 1, texts.Count(text => text == "50"));

        // Depths of a quarter and three quarters are in the third and the eighth row, which are 22 high.
        var rows = svg.Descendants().Where(element => element.Value is "100" or "50" && element.Attribute("text-anchor")!.Value == "middle")
            .Select(element => double.Parse(element.Attribute("y")!.Value, System.Globalization.CultureInfo.InvariantCulture)).Distinct().ToList();
        Assert.Equal(5 * 22, rows.Max() - rows.Min());
        Assert.Equal(2, rows.Count);
        var colours = svg.Descendants().Where(element => element.Name.LocalName == "rect").Select(element => element.Attribute("fill")!.Value);
        Assert.Equal(3 + 1, colours.Count(colour => colour == "#1f7a6d"));
    }

    [Fact]
    public void Json_has_every_answer_of_the_suite()
    {
        var json = JsonDocument.Parse(new RecallReport("tiny", TestResults.Suite, Results).ToJson()).RootElement;

        Assert.Equal(6, json.GetProperty("results").GetArrayLength());
        var first = json.GetProperty("results")[0].GetProperty("cases")[0];
        Assert.Equal("“12345” it is", first.GetProperty("answer").GetString());
        Assert.Equal(
            ["question", "depth", "expected", "answer", "score", "prompt_tokens", "cached_tokens", "completion_tokens", "first_token_ms", "total_ms"],
            first.EnumerateObject().Select(property => property.Name));
    }

    public void Dispose() => _folder.Dispose();

    private const string Golden = """
        # Recall of tiny

        Written by `crescent eval`. Percent of what was asked for that the answers contain, with bootstrap 95% intervals (cases
        resampled within their documents). 2 questions over each document, greedy, seed 7; lengths are tokens of the
        longest prompt with its answer. Model model-1; wording and book material.

        ## dense, KV bf16

        | task | 1,000 | 4K | 16K |
        | --- | --- | --- | --- |
        | key | – | 75.0 (50.0 to 100.0) | 100.0 (100.0 to 100.0), 2 cases |
        | facts | 50.0 (50.0 to 50.0), 2 cases | – | – |

        4 cases each where nothing else is said.

        | length | score, all tasks | keys attended per token | KV read per token | decode, tokens/s per request | first token, new document | first token, cached document |
        | --- | --- | --- | --- | --- | --- | --- |
        | 1,000 | 50.0 | 985 | 2.5 MB | 150 | 1000 ms | 10 ms |
        | 4K | 75.0 | 4,081 | 10.4 MB | 150 | 4096 ms | 10 ms |
        | 16K | 100.0 | 16,369 | 41.9 MB | 150 | 16.4 s | 10 ms |

        Means, and medians of rates and times; several requests run at once, except the first of a document.

        ## dense, KV q8_0

        | task | 4K |
        | --- | --- |
        | key | 50.0 (0.0 to 100.0) |

        4 cases each.

        | length | score, all tasks | keys attended per token | KV read per token | decode, tokens/s per request | first token, new document | first token, cached document |
        | --- | --- | --- | --- | --- | --- | --- |
        | 4K | 50.0 | 4,081 | – | 150 | 4096 ms | 10 ms |

        Means, and medians of rates and times; several requests run at once, except the first of a document.

        ## dense, KV q8_0 less dense, KV bf16

        Points of percent in the same cases.

        | task | 4K |
        | --- | --- |
        | key | −25.0 (−50.0 to 0.0) |

        """;
}
