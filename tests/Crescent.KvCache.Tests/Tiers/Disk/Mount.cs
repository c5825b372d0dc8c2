using System.Diagnostics;
using System.Globalization;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

/// <summary>A file system of its own at a path, until it is disposed.</summary>
internal sealed class Mount : IDisposable
{
    private Mount(string path) => Path = path;

    public string Path { get; }

    /// <summary>Whether this process may mount.</summary>
    public static bool IsPermitted { get; } = OperatingSystem.IsLinux() && Try();

    /// <summary>So many bytes and no more.</summary>
    public static Mount Memory(string path, int bytes)
    {
        Directory.CreateDirectory(path);
        Require("mount", "-t", "tmpfs", "-o", $"size={bytes.ToString(CultureInfo.InvariantCulture)}", "tmpfs", path);
        return new Mount(path);
    }

    /// <summary>A directory over itself, without writing; files that are open stay as they are.</summary>
    public static Mount ReadOnly(string path)
    {
        Require("mount", "--bind", path, path);
        var mount = new Mount(path);
        Require("mount", "-o", "remount,bind,ro", path);
        return mount;
    }

    /// <summary>Lazily, since a tier may still have files open there.</summary>
    public void Dispose() => Require("umount", "--lazy", Path);

    private static bool Try()
    {
        using var folder = new TemporaryFolder();
        try
        {
            using var mount = Memory(folder["mount"], 1 << 20);
            return true;
        }
        catch (Exception exception) when (exception is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    private static void Require(string command, params string[] arguments)
    {
        var start = new ProcessStartInfo(command, arguments) { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{command}: {error}");
        }
    }
}

/// <summary>Skipped where file systems cannot be mounted.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class MountFactAttribute : FactAttribute
{
    public MountFactAttribute()
    {
        if (!Mount.IsPermitted)
        {
            Skip = "this user may not mount a file system";
        }
    }
}
