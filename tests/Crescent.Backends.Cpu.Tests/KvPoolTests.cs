using System.Buffers.Binary;

namespace Crescent.Backends.Cpu.Tests;

public sealed class KvPoolTests
{
    private const int Rows = 20;
    private static readonly KvLayout Layout = new(Layers: 2, KvHeads: 2, HeadDim: 4, BlockSize: 16, DType.F32);

    [Fact]
    public void CopyOutGivesTheInterchangeLayout()
    {
        using var backend = CpuBackend.Create(threads: 1);
        using var pool = backend.CreateKvPool(Layout, blocks: 3);
        Write(backend, pool, layer: 1);

        // The sequence's second block holds positions 16 to 19, in pool block 2.
        var bytes = new byte[Layout.LayerBytes];
        backend.Wait(backend.CopyOut(pool, new BlockId(2), firstLayer: 1, layers: 1, bytes, default));
        for (int head = 0; head < 2; head++)
        {
            for (int position = 16; position < Rows; position++)
            {
                for (int dim = 0; dim < 4; dim++)
                {
                    int element = (((head * 16) + position - 16) * 4) + dim;
                    Assert.Equal(Key(position, head, dim), Read(bytes, element));
                    Assert.Equal(-Key(position, head, dim), Read(bytes, element + (2 * 16 * 4)));
                }
            }
        }
    }

    [Fact]
    public void CopyInRestoresWhatCopyOutGave()
    {
        using var backend = CpuBackend.Create(threads: 1);
        using var pool = backend.CreateKvPool(Layout, blocks: 3);
        var random = new Random(1);
        var block = new byte[Layout.BlockBytes];
        random.NextBytes(block);
        backend.Wait(backend.CopyIn(pool, new BlockId(1), firstLayer: 0, layers: 2, block, default));
        var copy = new byte[Layout.BlockBytes];
        backend.Wait(backend.CopyOut(pool, new BlockId(1), firstLayer: 0, layers: 2, copy, default));
        Assert.Equal(block, copy);
    }

    [Theory]
    [InlineData(DType.F16)]
    [InlineData(DType.Q8_0)]
    public void AKvTypeWithoutKernelsIsRefused(DType type)
    {
        using var backend = CpuBackend.Create(threads: 1);
        Assert.Throws<NotSupportedException>(() => backend.CreateKvPool(Layout with { Type = type }, 1));
    }

    private static float Key(int position, int head, int dim) => (position * 100) + (head * 10) + dim;

    private static float Read(byte[] bytes, int element) => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(element * 4));

    /// <summary>Keys as <see cref="Key"/>, values their negatives, unrotated: all cosines 1, all sines 0.</summary>
    private static void Write(IBackend<CpuTensor> backend, CpuTensor pool, int layer)
    {
        using var q = backend.CreateActivation(Rows, 8);
        using var k = backend.CreateActivation(Rows, 8);
        using var v = backend.CreateActivation(Rows, 8);
        using var rotation = backend.CreateActivation(Rows, 4);
        float[] keys = [.. Enumerable.Range(0, Rows * 8).Select(i => Key(i / 8, i % 8 / 4, i % 4))];
        backend.Upload(keys, k);
        backend.Upload(Array.ConvertAll(keys, key => -key), v);
        backend.Upload([.. Enumerable.Range(0, Rows * 4).Select(i => i % 4 < 2 ? 1f : 0f)], rotation);
        backend.Upload(new float[Rows * 8], q);
        var batch = new AttentionBatch();
        batch.Add(Rows, firstPosition: 0, new[] { new BlockId(0), new BlockId(2) });
        backend.RopeAndWriteKv(q, k, v, rotation, interleaved: false, pool, layer, batch);
    }
}
