using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Crescent.Evaluation.Running;

/// <summary>
/// Results by what they are of, in memory and in a file of a folder: a line each, written when it is complete, and there
/// again when the file is opened again. Not safe for concurrent use.
/// </summary>
public sealed class ResultStore<TKey, TResult> : IDisposable
    where TKey : class
    where TResult : class
{
    private readonly Dictionary<TKey, TResult> _results = [];
    private readonly Func<TResult, TKey?> _keyOf;
    private readonly FileStream? _file;

    /// <param name="keyOf">null: what a line says is no result.</param>
    internal ResultStore(string? folder, string name, Func<TResult, TKey?> keyOf)
    {
        _keyOf = keyOf;
        if (folder is null)
        {
            return;
        }

        Directory.CreateDirectory(folder);
        _file = new FileStream(Path.Combine(folder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            ReadAll(_file);
        }
        catch
        {
            _file.Dispose();
            throw;
        }
    }

    public IReadOnlyCollection<TResult> Results => _results.Values;

    public bool Contains(TKey key) => _results.ContainsKey(key);

    public void Add(TResult result)
    {
        _results[_keyOf(result)!] = result;
        if (_file is not null)
        {
            _file.Write([.. JsonSerializer.SerializeToUtf8Bytes(result, ResultStore.Json), (byte)'\n']);
            _file.Flush(flushToDisk: true);
        }
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>A last line without its end was cut off while it was written: it is dropped.</summary>
    private void ReadAll(FileStream file)
    {
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        int whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        foreach (string line in Encoding.UTF8.GetString(bytes, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (key, result) = Parse(line, file.Name);
            _results[key] = result;
        }

        file.SetLength(whole);
        file.Position = whole;
    }

    private (TKey Key, TResult Result) Parse(string line, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<TResult>(line, ResultStore.Json) is { } result && _keyOf(result) is { } key
                ? (key, result)
                : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new EvaluationException($"'{path}' has a line that is not a result; choose another folder");
        }
    }
}

/// <summary>The stores there are. A folder is made if it is missing; null keeps results in memory only.</summary>
public static class ResultStore
{
    public const string AnswersFile = "results.jsonl";

    public const string MeasuresFile = "measures.jsonl";

    /// <summary>How results are spelled.</summary>
    public static JsonSerializerOptions Json { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A line per document, written when its last question is answered.</summary>
    /// <exception cref="IOException">Another process writes there, or the folder cannot be written.</exception>
    /// <exception cref="EvaluationException">The file there is not ours.</exception>
    public static ResultStore<DocumentKey, DocumentResult> OpenAnswers(string? folder) => new(
        folder, AnswersFile, result => result is { Key: { Suite: not null, Variant: not null } key, Cases: not null } ? key : null);

    /// <inheritdoc cref="OpenAnswers"/>
    public static ResultStore<MeasureKey, MeasureResult> OpenMeasures(string? folder) => new(
        folder, MeasuresFile, result => result is { Key: { Setup: not null } key } ? key : null);
}
