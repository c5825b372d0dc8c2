using System.Globalization;

namespace Crescent.Bench.Os;

/// <summary>What of a process lies in memory.</summary>
/// <param name="ResidentBytes">All of it (Rss).</param>
/// <param name="FileBytes">Of that, pages of one mapped file.</param>
internal sealed record ProcessMemory(long ResidentBytes, long FileBytes)
{
    /// <param name="process">An id, or "self".</param>
    /// <param name="file">Absolute path of the mapped file, or of the folder of such files.</param>
    public static ProcessMemory Read(string process, string file)
    {
        long resident = 0, mapped = 0;
        var ours = false;
        foreach (var line in File.ReadLines($"/proc/{process}/smaps"))
        {
            var end = line.IndexOf(' ');
            if (end > 0 && line[end - 1] != ':')
            {
                ours = line.Contains(file, StringComparison.Ordinal);
            }
            else if (line.StartsWith("Rss:", StringComparison.Ordinal))
            {
                var bytes = 1024 * long.Parse(line["Rss:".Length..^"kB".Length], NumberStyles.Integer, CultureInfo.InvariantCulture);
                resident += bytes;
                mapped += ours ? bytes : 0;
            }
        }

        return new ProcessMemory(resident, mapped);
    }
}
