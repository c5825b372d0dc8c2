using System.Globalization;

namespace Crescent.KvCache.Tiers.Disk;

/// <summary>
/// A directory belongs to one process. The system takes the lock back when that ends, however it ends, so none is ever
/// stale. The owner's process id stands in a file of its own, because the locked one cannot be read.
/// </summary>
internal sealed class DirectoryLock : IDisposable
{
    private readonly FileStream _file;

    private DirectoryLock(FileStream file) => _file = file;

    /// <param name="directory">Made when it is missing.</param>
    /// <exception cref="IOException">Another process has it, or it cannot be made or written; the message names it.</exception>
    public static DirectoryLock Acquire(string directory)
    {
        string owner = Path.Combine(directory, "owner");
        try
        {
            Directory.CreateDirectory(directory);
            var file = new FileStream(Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            try
            {
                File.WriteAllText(owner, Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
                return new DirectoryLock(file);
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }
        catch (IOException exception) when (IsHeld(exception))
        {
            string process = File.Exists(owner) ? $"process {File.ReadAllText(owner).Trim()}" : "another process";
            throw new IOException($"the cache directory {directory} is in use by {process}; give each process its own", exception);
        }
        catch (Exception exception) when (DirectFile.IsOfDisk(exception))
        {
            throw new IOException($"the cache directory {directory} cannot be used: {exception.Message}", exception);
        }
    }

    public void Dispose() => _file.Dispose();

    /// <summary>EWOULDBLOCK of Linux and of macOS, and the sharing violation of Windows.</summary>
    private static bool IsHeld(IOException exception) => (exception.HResult & 0xffff) is 11 or 35 or 32;
}
