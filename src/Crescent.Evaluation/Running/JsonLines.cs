using System.Text;
using System.Text.Json;

namespace Crescent.Evaluation.Running;

/// <summary>
/// Results in a file of a folder, a line each, which are there again when the file is opened again. Not safe for
/// concurrent use.
/// </summary>
internal sealed class JsonLines<T> : IDisposable
    where T : class
{
    private readonly FileStream _file;

    private JsonLines(FileStream file) => _file = file;

    /// <param name="folder">Made if missing.</param>
    /// <param name="valid">Whether what a line says is a result.</param>
    /// <param name="found">Receives what the file holds, in order.</param>
    /// <exception cref="IOException">Another process writes there, or the folder cannot be written.</exception>
    /// <exception cref="EvaluationException">The file there is not ours.</exception>
    public static JsonLines<T> Open(string folder, string name, Func<T, bool> valid, Action<T> found)
    {
        Directory.CreateDirectory(folder);
        var file = new FileStream(Path.Combine(folder, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        try
        {
            var lines = new JsonLines<T>(file);
            lines.ReadAll(valid, found);
            return lines;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    public void Add(T result)
    {
        _file.Write([.. JsonSerializer.SerializeToUtf8Bytes(result, ResultStore.Json), (byte)'\n']);
        _file.Flush(flushToDisk: true);
    }

    public void Dispose() => _file.Dispose();

    /// <summary>A last line without its end was cut off while it was written: it is dropped.</summary>
    private void ReadAll(Func<T, bool> valid, Action<T> found)
    {
        byte[] bytes = new byte[_file.Length];
        _file.ReadExactly(bytes);
        int whole = bytes.AsSpan().LastIndexOf((byte)'\n') + 1;
        foreach (string line in Encoding.UTF8.GetString(bytes, 0, whole).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            found(Parse(line, valid));
        }

        _file.SetLength(whole);
        _file.Position = whole;
    }

    private T Parse(string line, Func<T, bool> valid)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(line, ResultStore.Json) is { } result && valid(result) ? result : throw new JsonException();
        }
        catch (JsonException)
        {
            throw new EvaluationException($"'{_file.Name}' has a line that is not a result; choose another folder");
        }
    }
}
