using Crescent.Backends.Cpu;
using Crescent.Backends.Torch.Tests.Support;
using Crescent.Testing;

namespace Crescent.Backends.Torch.Tests;

/// <summary>Rotation, the KV pool and attention against the CPU backend's scalar kernels.</summary>
public sealed class AttentionTests
{
    private const float Tolerance = 2e-6f;

    // Three queries share a KV head; two layers, of which one stays as it was.
    private static readonly KvLayout Layout = new(Layers: 2, KvHeads: 2, HeadDim: 12, BlockSize: 16, DType.F32);

    public static TheoryData<DType, bool, int> Cases()
    {
        var data = new TheoryData<DType, bool, int>();
        foreach (var type in new[] { DType.F32, DType.BF16 })
        {
            foreach (bool interleaved in new[] { false, true })
            {
                data.Add(type, interleaved, new TorchOptions().MaxScores);
                data.Add(type, interleaved, 6 * 50 * 3); // tiles of three rows in the longest sequence
            }
        }

        return data;
    }

    [TorchTheory]
    [MemberData(nameof(Cases))]
    public void AttentionEqualsTheCpuBackend(DType type, bool interleaved, int maxScores)
    {
        var (expected, actual) = Run(new AttentionCase(Layout with { Type = type }, Heads: 6, interleaved, Exact: true), maxScores);
        Values.AssertClose(expected.Attended, actual.Attended, Tolerance);
    }

    [TorchTheory]
    [MemberData(nameof(Cases))]
    public void ThePoolHoldsTheBytesOfTheCpuBackends(DType type, bool interleaved, int maxScores)
    {
        var (expected, actual) = Run(new AttentionCase(Layout with { Type = type }, Heads: 6, interleaved, Exact: true), maxScores);
        Assert.Equal(expected.Pool, actual.Pool);
    }

    [TorchTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void RotationEqualsTheCpuBackend(bool interleaved)
    {
        var (expected, actual) = Run(new AttentionCase(Layout, Heads: 6, interleaved, Exact: false), new TorchOptions().MaxScores);
        Values.AssertClose(expected.Q, actual.Q, Tolerance);
        Values.AssertClose(expected.K, actual.K, Tolerance);
        Values.AssertClose(expected.Attended, actual.Attended, Tolerance);
    }

    [TorchTheory]
    [InlineData(DType.F32)]
    [InlineData(DType.BF16)]
    public void CopyInRestoresWhatCopyOutGave(DType type)
    {
        var layout = Layout with { Layers = 3, Type = type };
        using var probe = new BackendProbe<TorchTensor>(new TorchBackend());
        var pool = probe.Pool(layout, blocks: 3);
        var block = new byte[layout.BlockBytes];
        new Random(1).NextBytes(block);
        probe.Backend.Wait(probe.Backend.CopyIn(pool, new BlockId(1), firstLayer: 0, layers: 3, block, default));
        Assert.Equal(block, probe.ReadBlock(pool, layout, 1, 0, 3));

        // A range of layers is that part of the block; the neighbours stay as they were.
        int bytes = (int)layout.LayerBytes;
        Assert.Equal(block[bytes..], probe.ReadBlock(pool, layout, 1, 1, 2));
        Assert.All(probe.ReadBlock(pool, layout, 0, 0, 3).Concat(probe.ReadBlock(pool, layout, 2, 0, 3)), value => Assert.Equal(0xff, value));
        probe.Backend.Wait(probe.Backend.CopyIn(pool, new BlockId(1), firstLayer: 1, layers: 1, new byte[bytes], default));
        Assert.Equal([.. block[..bytes], .. new byte[bytes], .. block[(2 * bytes)..]], probe.ReadBlock(pool, layout, 1, 0, 3));
    }

    private static (AttentionCase.Result Cpu, AttentionCase.Result Torch) Run(AttentionCase attention, int maxScores)
    {
        using var cpu = new BackendProbe<CpuTensor>(CpuBackend.Create(threads: 1, KernelPath.Scalar));
        using var torch = new BackendProbe<TorchTensor>(new TorchBackend(new() { MaxScores = maxScores }));
        return (attention.Run(cpu), attention.Run(torch));
    }
}
