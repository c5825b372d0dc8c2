using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu;

/// <summary>The instruction sets there are kernels for, slowest first.</summary>
public enum KernelPath
{
    Scalar,
    Avx2,
    Avx512,
}

/// <summary>Makes the CPU backend for this processor.</summary>
public static class CpuBackend
{
    /// <summary>The paths this processor can run, fastest last. Scalar is always among them.</summary>
    public static IReadOnlyList<KernelPath> SupportedPaths { get; } =
    [
        KernelPath.Scalar,
        .. Avx2Fma.IsSupported ? [KernelPath.Avx2] : Array.Empty<KernelPath>(),
        .. Avx512.IsSupported ? [KernelPath.Avx512] : Array.Empty<KernelPath>(),
    ];

    /// <param name="threads">Threads that compute, the calling one among them. Default: one per processor.</param>
    /// <param name="path">Default: the fastest this processor supports.</param>
    /// <exception cref="NotSupportedException">The processor lacks the path's instructions.</exception>
    public static IBackend<CpuTensor> Create(int? threads = null, KernelPath? path = null)
    {
        int count = Math.Max(1, threads ?? Environment.ProcessorCount);
        var chosen = path ?? SupportedPaths[^1];
        if (!SupportedPaths.Contains(chosen))
        {
            throw new NotSupportedException($"this processor does not support the {chosen} kernels");
        }

        return chosen switch
        {
            KernelPath.Avx512 => new CpuBackend<Avx512, System.Runtime.Intrinsics.Vector512<float>>("avx512", count),
            KernelPath.Avx2 => new CpuBackend<Avx2Fma, System.Runtime.Intrinsics.Vector256<float>>("avx2", count),
            _ => new CpuBackend<Scalar, float>("scalar", count),
        };
    }
}
