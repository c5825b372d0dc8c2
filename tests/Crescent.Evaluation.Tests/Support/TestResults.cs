using Crescent.Evaluation.Running;

namespace Crescent.Evaluation.Tests.Support;

internal static class TestResults
{
    public static Suite Suite { get; } = new("model-1", "material", Seed: 7, Questions: 2);

    public static DocumentResult Document(string task, int length, int document, params double[] scores) =>
        Document(new Variant("dense", "bf16"), task, length, document, scores);

    /// <summary>A case per score, at depths spread evenly; its times grow with the length and its index.</summary>
    public static DocumentResult Document(Variant variant, string task, int length, int document, params double[] scores) => new(
        new DocumentKey(Suite, variant, task, length, document),
        [.. scores.Select((score, i) => new CaseResult
        {
            Question = i,
            Depth = (i + 0.5) / scores.Length,
            Expected = ["12345"],
            Answer = "“12345” it is",
            Score = score,
            PromptTokens = length - 20,
            CachedTokens = i == 0 ? 0 : length - 64,
            CompletionTokens = 11,
            FirstTokenMs = i == 0 ? length : 10 * i,
            TotalMs = i == 0 ? length + 100 : (10 * i) + 50,
        })])
    {
        KvBytesPerToken = variant.KvType == "bf16" ? 2560 : null,
    };

    public static string Spell(CaseResult result) => System.Text.Json.JsonSerializer.Serialize(result);
}
