using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Crescent.KvCache.Tiers.Disk;

/// <summary>
/// Files past the page cache, where the system can do that (Linux, most file systems), so that KV does not push the
/// mapped weights out of memory. Offsets, lengths and addresses of all transfers are multiples of
/// <see cref="Alignment"/>; elsewhere the same calls go through the page cache.
/// </summary>
internal static partial class DirectFile
{
    public const int Alignment = 4096;

    private const int GetFlags = 3;
    private const int SetFlags = 4;
    private const int KeepSize = 1;
    private const int NoSpace = 28;
    private const int ReadOnlyFileSystem = 30;
    private const int QuotaExceeded = 122;

    public static long Align(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <exception cref="IOException">Also <see cref="UnauthorizedAccessException"/>; <see cref="ReasonOf"/> tells them apart.</exception>
    public static SafeFileHandle Open(string path, FileMode mode)
    {
        var handle = File.OpenHandle(path, mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        if (OperatingSystem.IsLinux())
        {
            int direct = RuntimeInformation.ProcessArchitecture is Architecture.Arm or Architecture.Arm64 ? 0x10000 : 0x4000;
            int flags = Control(handle, GetFlags, 0);
            if (flags != -1)
            {
                // Refused by a file system that has no direct transfers; the page cache does then.
                _ = Control(handle, SetFlags, flags | direct);
            }
        }

        return handle;
    }

    /// <summary>Claims disk space for the file up to a length that it does not have yet; does nothing where that is not possible.</summary>
    /// <exception cref="IOException">The disk is full.</exception>
    public static void Reserve(SafeFileHandle handle, long bytes)
    {
        if (OperatingSystem.IsLinux() && Allocate(handle, KeepSize, 0, bytes) != 0
            && Marshal.GetLastPInvokeError() is var error and (NoSpace or QuotaExceeded))
        {
            throw new IOException("no space on the disk", error);
        }
    }

    /// <summary>The word that a failure is counted under.</summary>
    public static string ReasonOf(Exception failure) => failure switch
    {
        UnauthorizedAccessException or { HResult: ReadOnlyFileSystem } => "denied",
        FileNotFoundException or DirectoryNotFoundException => "gone",
        { HResult: NoSpace or QuotaExceeded } => "full",
        _ => "io",
    };

    public static bool IsOfDisk(Exception failure) => failure is IOException or UnauthorizedAccessException;

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    private static partial int Allocate(SafeFileHandle file, int mode, long offset, long length);
}
