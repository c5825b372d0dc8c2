using System.Text.Json;
using System.Text.Json.Serialization;

namespace Crescent.Evaluation.Tasks;

/// <summary>The words and sentences of the recall tasks, as wording.json has them; the trainer reads the same file.</summary>
internal sealed record Wording(
    IReadOnlyDictionary<string, string[]> Sets, int HeldOutKeys, IReadOnlyList<string> Noise, TaskWordings Tasks)
{
    private const string Resource = "wording.json";

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { RespectRequiredConstructorParameters = true };

    /// <summary>The file's bytes.</summary>
    public static byte[] Read()
    {
        using var stream = typeof(Wording).Assembly.GetManifestResourceStream(Resource)!;
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }

    public static Wording Parse(byte[] json) => JsonSerializer.Deserialize<Wording>(json, Options)!;

    /// <summary>A template with each <c>{slot}</c> replaced.</summary>
    public static string Fill(string template, params ReadOnlySpan<(string Slot, string Word)> words)
    {
        foreach (var (slot, word) in words)
        {
            template = template.Replace($"{{{slot}}}", word, StringComparison.Ordinal);
        }

        return template;
    }

    /// <summary>"a, b and c".</summary>
    public static string Enumerate(IReadOnlyList<string> words) =>
        words.Count == 1 ? words[0] : $"{string.Join(", ", words.SkipLast(1))} and {words[^1]}";
}

internal sealed record TaskWordings(
    NeedleWording Passkey,
    NeedleWording Key,
    [property: JsonPropertyName("multi-value")] NeedleWording MultiValue,
    [property: JsonPropertyName("multi-query")] QueryWording MultiQuery,
    VariableWording Variables,
    FactWording Facts);

/// <param name="Digits">Of a value.</param>
/// <param name="Values">Of a key.</param>
internal sealed record NeedleWording(string Needle, string Question, string Answer, int Digits, int Values = 1);

/// <param name="Queries">Keys that one question asks for.</param>
internal sealed record QueryWording(string Question, int Queries);

/// <param name="Hops">Copies behind the setting of a value, from chain to chain in turn.</param>
internal sealed record VariableWording(string Set, string Copy, string Question, int Digits, IReadOnlyList<int> Hops);

internal sealed record FactWording(IReadOnlyList<FactTemplate> Templates);

/// <param name="Asked">The slot of <paramref name="Needle"/> that the question asks for.</param>
internal sealed record FactTemplate(string Needle, string Question, string Asked);
