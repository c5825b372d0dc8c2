using System.Buffers.Binary;
using Crescent.Testing;

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

    [Theory]
    [InlineData(DType.F32, 12)]
    [InlineData(DType.BF16, 12)]
    [InlineData(DType.Q8_0, 64)]
    public void CopyInRestoresWhatCopyOutGave(DType type, int dim)
    {
        var layout = Layout with { Type = type, HeadDim = dim };
        using var backend = CpuBackend.Create(threads: 1);
        using var pool = backend.CreateKvPool(layout, blocks: 3);
        var random = new Random(1);
        var block = new byte[layout.BlockBytes];
        random.NextBytes(block);
        backend.Wait(backend.CopyIn(pool, new BlockId(1), firstLayer: 0, layers: 2, block, default));
        var copy = new byte[layout.BlockBytes];
        backend.Wait(backend.CopyOut(pool, new BlockId(1), firstLayer: 0, layers: 2, copy, default));
        Assert.Equal(block, copy);
    }

    [Fact]
    public void QuantisedKvLeavesAsGgufQuantisesIt()
    {
        // Rows of one run per head; a block's first position is the batch's sixteenth.
        var layout = Layout with { Type = DType.Q8_0, HeadDim = 32 };
        using var backend = CpuBackend.Create(threads: 1);
        using var pool = backend.CreateKvPool(layout, blocks: 3);
        float[] keys = Write(backend, pool, layer: 1);
        var bytes = new byte[layout.LayerBytes];
        backend.Wait(backend.CopyOut(pool, new BlockId(2), firstLayer: 1, layers: 1, bytes, default));
        for (int position = 16; position < Rows; position++)
        {
            for (int head = 0; head < 2; head++)
            {
                float[] key = keys[(((position * 2) + head) * 32)..][..32];
                int run = (head * 16) + position - 16;
                Assert.Equal(WeightEncoding.Encode(key, DType.Q8_0), bytes[(run * 34)..][..34]);
                Assert.Equal(WeightEncoding.Encode(Array.ConvertAll(key, x => -x), DType.Q8_0), bytes[((32 + run) * 34)..][..34]);
            }
        }
    }

    [Theory]
    [InlineData(DType.F16, 64)]
    [InlineData(DType.Q4_K, 256)]
    [InlineData(DType.Q8_0, 48)]
    [InlineData(DType.F32, 512)]
    public void AKvLayoutWithoutKernelsIsRefused(DType type, int dim)
    {
        using var backend = CpuBackend.Create(threads: 1);
        Assert.Throws<NotSupportedException>(() => backend.CreateKvPool(Layout with { Type = type, HeadDim = dim }, 1));
    }

    private static float Key(int position, int head, int dim) => (position * 100) + (head * 10) + dim;

    private static float Read(byte[] bytes, int element) => BinaryPrimitives.ReadSingleLittleEndian(bytes.AsSpan(element * 4));

    /// <summary>Keys [row, head, dim] as <see cref="Key"/>, values their negatives, unrotated: all cosines 1, all sines 0.</summary>
    private static float[] Write(IBackend<CpuTensor> backend, CpuTensor pool, int layer)
    {
        int dim = pool.Layout!.HeadDim;
        using var q = backend.CreateActivation(Rows, 2 * dim);
        using var k = backend.CreateActivation(Rows, 2 * dim);
        using var v = backend.CreateActivation(Rows, 2 * dim);
        using var rotation = backend.CreateActivation(Rows, dim);
        float[] keys = [.. Enumerable.Range(0, Rows * 2 * dim).Select(i => Key(i / (2 * dim), i / dim % 2, i % dim))];
        backend.Upload(keys, k);
        backend.Upload(Array.ConvertAll(keys, key => -key), v);
        backend.Upload([.. Enumerable.Range(0, Rows * dim).Select(i => i % dim < dim / 2 ? 1f : 0f)], rotation);
        backend.Upload(new float[Rows * 2 * dim], q);
        var batch = new AttentionBatch();
        batch.Add(Rows, firstPosition: 0, new[] { new BlockId(0), new BlockId(2) });
        backend.RopeAndWriteKv(q, k, v, rotation, interleaved: false, pool, layer, batch);
        return keys;
    }
}
