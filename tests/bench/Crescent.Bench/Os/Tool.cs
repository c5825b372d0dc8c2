using System.Diagnostics;

namespace Crescent.Bench.Os;

/// <summary>Runs programs.</summary>
internal static class Tool
{
    /// <summary>Starts a program that may use the named processors only.</summary>
    /// <param name="processors">As taskset has it: "0,1".</param>
    public static Process Start(string processors, string program, IEnumerable<string> arguments)
    {
        var info = new ProcessStartInfo("taskset", ["-c", processors, program, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        return Process.Start(info) ?? throw new BenchException($"{program} cannot be started");
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>Its standard output.</returns>
    /// <exception cref="BenchException">It failed: the last line it said.</exception>
    public static async Task<string> RunAsync(string processors, string program, IEnumerable<string> arguments)
    {
        using var process = Start(processors, program, arguments);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
        {
            var lines = (await error).Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            var said = lines.FirstOrDefault(line => line.StartsWith("Unhandled exception", StringComparison.Ordinal)) ?? lines.LastOrDefault();
            throw new BenchException($"{Path.GetFileName(program)} ended with {process.ExitCode}: {said ?? "no message"}");
        }

        return output;
    }

    /// <summary>Ends a process that was started here.</summary>
    public static async Task StopAsync(Process process)
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        await process.WaitForExitAsync();
    }
}
