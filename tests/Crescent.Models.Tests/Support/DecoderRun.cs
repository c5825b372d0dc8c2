using Crescent.Backends.Cpu;
using Crescent.Testing;

namespace Crescent.Models.Tests.Support;

/// <summary>A decoder on the CPU backend.</summary>
public sealed class DecoderRun(string modelPath, KernelPath? path = null, int threads = 2, DType kv = DType.F32)
    : DecoderRun<CpuTensor>(modelPath, CpuBackend.Create(threads, path), kv);
