using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Crescent.Cli.Tests.Support;

/// <param name="Lines">Of standard error.</param>
public sealed record Ended(int ExitCode, string Output, IReadOnlyList<string> Lines)
{
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;
}

/// <summary>The built crescent as its own process. Disposing ends it if it still runs.</summary>
public sealed partial class CrescentProcess : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly Process _process;
    private readonly CancellationTokenSource _limit = new(Limit);
    private readonly Task<string> _errors;

    private CrescentProcess(Process process)
    {
        _process = process;
        _errors = process.StandardError.ReadToEndAsync(_limit.Token);
    }

    public static CrescentProcess Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string argument in (string[])[Path.Combine(AppContext.BaseDirectory, "crescent.dll"), .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment.Remove("CRESCENT_MODEL");
        start.Environment.Remove("CRESCENT_API_KEY");
        return new CrescentProcess(Process.Start(start)!);
    }

    /// <summary>Runs to the end.</summary>
    public static async Task<Ended> RunAsync(string[] arguments, string input = "")
    {
        using var process = Start(arguments);
        await process.WriteAsync(input);
        return await process.EndAsync();
    }

    /// <summary>Writes all of standard input and closes it.</summary>
    public async Task WriteAsync(string text)
    {
        try
        {
            await _process.StandardInput.WriteAsync(text.AsMemory(), _limit.Token);
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading.
        }
    }

    public async Task<string> ReadLineAsync() =>
        await _process.StandardOutput.ReadLineAsync(_limit.Token) ?? throw new InvalidOperationException($"crescent ended: {await _errors}");

    public async Task<char> ReadCharAsync()
    {
        var buffer = new char[1];
        int read = await _process.StandardOutput.ReadAsync(buffer, _limit.Token);
        return read == 1 ? buffer[0] : throw new InvalidOperationException($"crescent ended: {await _errors}");
    }

    /// <summary>As by SIGKILL.</summary>
    public void Kill() => _process.Kill();

    /// <param name="signal">SIGINT or SIGTERM.</param>
    public void Signal(PosixSignal signal) => Kill(_process.Id, signal == PosixSignal.SIGINT ? 2 : 15);

    /// <summary>What is left of its output once it has ended.</summary>
    public async Task<Ended> EndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync(_limit.Token);
        string errors = await _errors;
        await _process.WaitForExitAsync(_limit.Token);
        return new Ended(_process.ExitCode, output, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        _process.Dispose();
        _limit.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
