namespace Crescent.Bench.Running;

/// <summary>
/// Which rows a full run of this commit has measured before it was stopped: the next one goes on behind them. Runs of
/// chosen rows, and of changed files, always measure.
/// </summary>
internal sealed class Unfinished
{
    private readonly string? _path;
    private readonly HashSet<string> _measured;

    public Unfinished(RunOptions options)
    {
        bool whole = !options.Quick && options.Only.Length == 0 && !options.Commit.Contains('+', StringComparison.Ordinal);
        _path = whole ? Path.Combine(Directory.CreateDirectory(Path.Combine(options.Cache, "unfinished")).FullName, options.Commit) : null;
        _measured = File.Exists(_path) ? [.. File.ReadLines(_path)] : [];
    }

    public bool Measured(string id) => _measured.Contains(id);

    public void Add(string id)
    {
        if (_path is not null)
        {
            File.AppendAllLines(_path, [id]);
        }
    }

    public void Done()
    {
        if (_path is not null)
        {
            File.Delete(_path);
        }
    }
}
