using System.Runtime.CompilerServices;

// Kernels keep tiles on the stack and fill them before they read them.
[module: SkipLocalsInit]

namespace Crescent.Backends.Cpu.Kernels;

internal static class Kernel
{
    /// <summary>
    /// Methods with loops over elements are compiled once, fully: tiering would run the first prompts of a process in
    /// slow, instrumented code, and a long loop cannot be replaced while it runs.
    /// </summary>
    public const MethodImplOptions FullyOptimised = MethodImplOptions.AggressiveOptimization;
}
