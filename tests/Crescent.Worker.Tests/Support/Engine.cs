using Crescent.Backends.Cpu;
using Crescent.Testing;

namespace Crescent.Worker.Tests.Support;

/// <summary>How an engine under test is set up; what is not said is what a server would use.</summary>
public sealed record EngineSetup(string ModelPath) : WorkerSetup(ModelPath)
{
    public KernelPath Path { get; init; } = CpuBackend.SupportedPaths[^1];

    public int Threads { get; init; } = 2;
}

/// <summary>A worker on the CPU backend.</summary>
public sealed class Engine(EngineSetup setup) : WorkerRun<CpuTensor>(setup, CpuBackend.Create(setup.Threads, setup.Path));
