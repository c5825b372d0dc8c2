using System.Globalization;

namespace Crescent.Bench.Os;

/// <summary>How much of the machine's processors was used, and how much of that was not by us, since an earlier moment.</summary>
internal sealed class CpuUse
{
    private const double TicksPerSecond = 100;

    private readonly long _machine = MachineTicks();
    private readonly long _own;
    private readonly int[] _children;
    private readonly long _started = Environment.TickCount64;

    /// <param name="children">Processes of ours that go on running; those that end meanwhile are counted anyway.</param>
    public CpuUse(params int[] children)
    {
        _children = children;
        _own = OwnTicks(children);
    }

    /// <summary>Processors of the machine, not those this process may use.</summary>
    public static int Processors { get; } = File.ReadLines("/proc/stat").Count(line => line.StartsWith("cpu", StringComparison.Ordinal)) - 1;

    /// <summary>The share of all processors that other processes, and other guests of the host, had since: 0 to 1.</summary>
    public double OthersShare()
    {
        var seconds = (Environment.TickCount64 - _started) / 1000.0;
        var others = (MachineTicks() - _machine - (OwnTicks(_children) - _own)) / TicksPerSecond;
        return Math.Clamp(others / (seconds * Processors), 0, 1);
    }

    /// <summary>The system's averages over 1, 5 and 15 minutes.</summary>
    public static double LoadAverage() =>
        double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);

    /// <summary>All but idle and waiting for a disk; stolen time counts as used.</summary>
    private static long MachineTicks()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var ticks = fields[1..9].Select(long.Parse).ToArray();
        return ticks.Sum() - ticks[3] - ticks[4];
    }

    /// <summary>This process, children that have ended, and the named ones.</summary>
    private static long OwnTicks(int[] children) => Ticks("self", withEnded: true) + children.Sum(id => Ticks($"{id}", withEnded: false));

    private static long Ticks(string process, bool withEnded)
    {
        try
        {
            // The second field is the name in parentheses, and may have spaces.
            var text = File.ReadAllText($"/proc/{process}/stat");
            var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return fields[11..(withEnded ? 15 : 13)].Sum(long.Parse);
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
