using System.Collections;

namespace Grpc.Core;

/// <summary>Headers or trailers of a call: text values under lower-case keys.</summary>
public sealed class Metadata : IEnumerable<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _entries = [];

    public void Add(string key, string value) => _entries.Add(new(key.ToLowerInvariant(), value));

    /// <summary>The last value under the key, or null.</summary>
    public string? GetValue(string key)
    {
        var last = _entries.FindLastIndex(entry => entry.Key.Equals(key, StringComparison.OrdinalIgnoreCase));
        return last < 0 ? null : _entries[last].Value;
    }

    IEnumerator<KeyValuePair<string, string>> IEnumerable<KeyValuePair<string, string>>.GetEnumerator() =>
        _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _entries.GetEnumerator();
}
