using System.Globalization;
using System.Runtime.InteropServices;
using Crescent.Backends.Cpu;

namespace Crescent.Bench.Os;

/// <summary>What is measured, and on what, for the record.</summary>
internal static class Machine
{
    /// <param name="llama">The folder of llama.cpp, with what its build noted of itself in version.txt: a line "name: value" each.</param>
    public static Dictionary<string, string> Describe(string llama)
    {
        using var backend = CpuBackend.Create(1);
        var described = new Dictionary<string, string>
        {
            ["processor"] = $"{Field("/proc/cpuinfo", "model name")}, family {Field("/proc/cpuinfo", "cpu family")}, model {Field("/proc/cpuinfo", "model")}; {CpuUse.Processors} processors",
            ["memory"] = Memory(),
            ["system"] = $"{RuntimeInformation.OSDescription}",
            [".NET"] = RuntimeInformation.FrameworkDescription,
            ["Crescent's kernels"] = backend.Info.NumericsId,
        };
        foreach (var line in File.ReadLines(Path.Combine(llama, "version.txt")))
        {
            var colon = line.IndexOf(": ", StringComparison.Ordinal);
            described[line[..colon]] = line[(colon + 2)..];
        }

        return described;
    }

    private static string Field(string file, string name) =>
        File.ReadLines(file).Select(line => line.Split(':', 2)).FirstOrDefault(pair => pair[0].Trim() == name)?[1].Trim() ?? "unknown";

    private static string Memory()
    {
        long kilobytes = long.Parse(Field("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{kilobytes / 1024.0 / 1024:0} GiB");
    }
}
