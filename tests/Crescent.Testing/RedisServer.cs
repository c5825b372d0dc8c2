using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Crescent.Testing;

/// <summary>A redis-server of one test: on a free port of this machine, in a temporary folder, ended with the test.</summary>
public sealed class RedisServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly string[] _arguments;
    private string? _configuration;
    private Process _process;

    private RedisServer(string[] arguments)
    {
        _arguments = arguments;
        _process = null!;
    }

    /// <summary>Why tests of it are skipped, or null.</summary>
    public static string? Missing { get; } =
        Find("redis-server") is not null && Find("redis-cli") is not null ? null : "redis-server is not installed: tests/prepare-redis.sh does that";

    public int Port { get; private set; }

    /// <summary>A connection string.</summary>
    public string Endpoint => $"127.0.0.1:{Port}";

    /// <param name="arguments">More of its command line. "{port}" becomes its port.</param>
    public static async Task<RedisServer> StartAsync(params string[] arguments)
    {
        var server = new RedisServer(arguments);
        for (int attempt = 0; attempt < 10; attempt++)
        {
            server.Port = FreePort();
            if (await server.LaunchAsync())
            {
                return server;
            }
        }

        throw new InvalidOperationException("redis-server did not start");
    }

    /// <summary>A Sentinel that watches a primary under a name.</summary>
    public static async Task<RedisServer> StartSentinelAsync(string name, RedisServer primary)
    {
        var sentinel = new RedisServer(["--sentinel"]);
        sentinel.Port = FreePort();
        sentinel._configuration = sentinel._folder["sentinel.conf"];
        await File.WriteAllTextAsync(sentinel._configuration, $"sentinel monitor {name} 127.0.0.1 {primary.Port} 1\n");
        await sentinel.RestartAsync();
        return sentinel;
    }

    /// <summary>A port that nobody listens on now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>SIGKILL.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>Starts it again on its port, with what its folder holds.</summary>
    public async Task RestartAsync()
    {
        if (!await LaunchAsync())
        {
            throw new InvalidOperationException("redis-server did not start again");
        }
    }

    /// <summary>Runs a command with redis-cli.</summary>
    /// <returns>Its output without the last line's end.</returns>
    public async Task<string> CommandAsync(params string[] words)
    {
        using var process = Process.Start(new ProcessStartInfo("redis-cli", ["-p", $"{Port}", .. words]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return output.TrimEnd('\n');
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
        _folder.Dispose();
    }

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);

    /// <summary>A port that was free may be another's by now; then the server ends again.</summary>
    private async Task<bool> LaunchAsync()
    {
        string[] arguments =
        [
            .. _configuration is null ? Array.Empty<string>() : [_configuration],
            "--bind", "127.0.0.1", "--port", "{port}", "--dir", _folder.Path, "--save", "", "--databases", "2", "--repl-diskless-sync-delay", "0", .. _arguments,
        ];
        _process = Process.Start(new ProcessStartInfo("redis-server", arguments.Select(argument => argument.Replace("{port}", $"{Port}", StringComparison.Ordinal))) { RedirectStandardOutput = true })!;
        while (await _process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Contains("Ready to accept connections", StringComparison.Ordinal) || line.Contains("+monitor", StringComparison.Ordinal))
            {
                // What it prints from now on must not fill the pipe.
                _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
                return true;
            }
        }

        await _process.WaitForExitAsync();
        return false;
    }
}

/// <summary>A fact that is skipped without redis-server.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RedisFactAttribute : FactAttribute
{
    public RedisFactAttribute()
    {
        Skip = RedisServer.Missing;
    }
}

/// <summary>A theory that is skipped without redis-server.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class RedisTheoryAttribute : TheoryAttribute
{
    public RedisTheoryAttribute()
    {
        Skip = RedisServer.Missing;
    }
}
