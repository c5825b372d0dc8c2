using System.Text.Encodings.Web;
using System.Text.Json;

namespace Crescent.Evaluation.Running;

/// <summary>
/// Results by document, in memory and in results.jsonl of a folder: a line per document, written when its last question
/// is answered. Not safe for concurrent use.
/// </summary>
public sealed class ResultStore : IDisposable
{
    public const string FileName = "results.jsonl";

    private readonly Dictionary<DocumentKey, DocumentResult> _results = [];
    private readonly JsonLines<DocumentResult>? _lines;

    private ResultStore(string? folder)
    {
        _lines = folder is null ? null : JsonLines<DocumentResult>.Open(
            folder, FileName, result => result is { Key.Suite: not null, Key.Variant: not null, Cases: not null }, result => _results[result.Key] = result);
    }

    /// <summary>How results are spelled.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public IReadOnlyCollection<DocumentResult> Results => _results.Values;

    /// <param name="folder">Made if missing; null keeps results in memory only.</param>
    /// <exception cref="IOException">Another process writes there, or the folder cannot be written.</exception>
    /// <exception cref="EvaluationException">The file there is not ours.</exception>
    public static ResultStore Open(string? folder) => new(folder);

    public bool Contains(DocumentKey key) => _results.ContainsKey(key);

    public void Add(DocumentResult result)
    {
        _results[result.Key] = result;
        _lines?.Add(result);
    }

    public void Dispose() => _lines?.Dispose();
}
