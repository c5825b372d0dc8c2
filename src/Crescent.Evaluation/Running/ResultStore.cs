using System.Text;
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
    private readonly FileStream? _file;

    private ResultStore(FileStream? file)
    {
        _file = file;
        if (file is not null)
        {
            ReadAll(file);
        }
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
    public static ResultStore Open(string? folder)
    {
        if (folder is null)
        {
            return new ResultStore(null);
        }

        Directory.CreateDirectory(folder);
        var file = new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            return new ResultStore(file);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public bool Contains(DocumentKey key) => _results.ContainsKey(key);

    public void Add(DocumentResult result)
    {
        _results[result.Key] = result;
        if (_file is not null)
        {
            _file.Write([.. JsonSerializer.SerializeToUtf8Bytes(result, Json), (byte)'\n']);
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
            var result = Parse(line, file.Name);
            _results[result.Key] = result;
        }

        file.SetLength(whole);
        file.Position = whole;
    }

    private static DocumentResult Parse(string line, string path)
    {
        try
        {
            return JsonSerializer.Deserialize<DocumentResult>(line, Json) is { Key.Suite: not null, Key.Variant: not null, Cases: not null } result
                ? result
                : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new EvaluationException($"'{path}' has a line that is not a result; choose another folder");
        }
    }
}
