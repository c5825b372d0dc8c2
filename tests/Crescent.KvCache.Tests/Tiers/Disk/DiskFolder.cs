using Crescent.KvCache.Tiers.Disk;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>A directory for tiers, with the files of which a test may do what it likes.</summary>
/// <param name="capacity">Bytes; a segment is a sixteenth of it.</param>
internal sealed class DiskFolder(long capacity = 4 << 20) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public DiskTierOptions Options => new() { Directory = Path, CapacityBytes = capacity, ReadThreads = 2 };

    public string Path => _folder["cache"];

    /// <summary>Oldest first.</summary>
    public string[] Segments => [.. Directory.GetFiles(Path, "*.segment").Order(StringComparer.Ordinal)];

    public long FileBytes => Segments.Sum(segment => new FileInfo(segment).Length);

    public DiskTier Open() => DiskTier.Open(Options);

    /// <summary>What a process that is killed now leaves to the next one.</summary>
    public DiskFolder Copy()
    {
        var copy = new DiskFolder(capacity);
        Directory.CreateDirectory(copy.Path);
        foreach (string segment in Segments)
        {
            File.Copy(segment, System.IO.Path.Combine(copy.Path, System.IO.Path.GetFileName(segment)));
        }

        return copy;
    }

    /// <summary>Writes records and closes, so that all segments have footers.</summary>
    public async Task FillAsync(params TestRecord[] records)
    {
        await using var tier = Open();
        foreach (var record in records)
        {
            Assert.True(await tier.WriteAsync(record));
        }
    }

    public void Dispose() => _folder.Dispose();
}
