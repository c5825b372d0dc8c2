using System.Runtime.InteropServices;

namespace Crescent.Models.Weights;

/// <summary>Priorities as the system has them: on Linux, .NET's own change nothing.</summary>
internal static partial class ThreadPriorities
{
    private const int Lowest = 19;

    /// <summary>The calling thread runs on what all others leave, for good. Where the system refuses, nothing changes.</summary>
    public static void YieldToAll()
    {
        if (OperatingSystem.IsLinux())
        {
            // There 0 is the calling thread, elsewhere its process.
            _ = SetPriority(which: 0, who: 0, Lowest);
        }
    }

    [LibraryImport("libc", EntryPoint = "setpriority")]
    private static partial int SetPriority(int which, int who, int priority);
}
