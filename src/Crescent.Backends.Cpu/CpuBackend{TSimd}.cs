using Crescent.Backends.Cpu.Kernels;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu;

/// <summary>
/// Managed SIMD kernels over native memory. Calls run at once on the backend's threads, so everything enqueued is
/// always done and fences are free. Weights are aliased where they lie, also in their quantised form.
/// </summary>
internal sealed unsafe class CpuBackend<TSimd, TVec> : IBackend<CpuTensor>
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Raised whenever a kernel's bits change, so that KV of two revisions never mixes.</summary>
    private const int KernelRevision = 1;

    private readonly CpuThreads _threads;
    private readonly List<AttendTile> _tiles = [];
    private BlockId[] _slots = [];
    private int[] _offsets = [];

    public CpuBackend(string path, int threads)
    {
        _threads = new CpuThreads(threads);
        Info = new BackendInfo("cpu", $"cpu/{path}/r{KernelRevision}", HostMemory: true, RowInvariant: true);
    }

    public BackendInfo Info { get; }

    public CpuTensor LoadWeight(in WeightSource source)
    {
        var alias = CpuTensor.Alias(source);
        if (source.Rows > 1 || source.Type == DType.F32)
        {
            return alias;
        }

        // Norms read their weight as fp32.
        var vector = CpuTensor.Activation(rows: 1, source.Columns);
        Embed(alias, [0], vector);
        return vector;
    }

    public CpuTensor CreateActivation(int rows, int columns) => CpuTensor.Activation(rows, columns);

    public CpuTensor CreateKvPool(KvLayout layout, int blocks)
    {
        if (layout.Type is not (DType.F32 or DType.BF16))
        {
            throw new NotSupportedException($"the CPU backend keeps KV as F32 or BF16, not {layout.Type}");
        }

        return CpuTensor.KvPool(layout, blocks);
    }

    public void Release(CpuTensor handle) => handle.Dispose();

    public void Upload(ReadOnlySpan<float> values, CpuTensor activation) =>
        values.CopyTo(new Span<float>(activation.Floats, checked(activation.Rows * activation.Columns)));

    public void Download(CpuTensor activation, Span<float> values) =>
        new ReadOnlySpan<float>(activation.Floats, values.Length).CopyTo(values);

    public void Embed(CpuTensor table, ReadOnlySpan<int> tokens, CpuTensor output)
    {
        switch (table.Type)
        {
            case DType.F32:
                Embed<F32Elements>(table, tokens, output);
                break;
            case DType.F16:
                Embed<F16Elements>(table, tokens, output);
                break;
            case DType.BF16:
                Embed<BF16Elements>(table, tokens, output);
                break;
            default:
                Embed<Q8Elements>(table, tokens, output);
                break;
        }
    }

    public void Gather(CpuTensor input, ReadOnlySpan<int> rows, CpuTensor output)
    {
        for (int i = 0; i < rows.Length; i++)
        {
            var source = new ReadOnlySpan<float>(input.Floats + ((long)rows[i] * input.Columns), input.Columns);
            source.CopyTo(new Span<float>(output.Floats + ((long)i * input.Columns), input.Columns));
        }
    }

    public void RmsNorm(CpuTensor input, CpuTensor weight, float epsilon, CpuTensor output, int rows) =>
        _threads.Run(new RmsNormJob<TSimd, TVec>(input.Floats, weight.Floats, epsilon, output.Floats, weight.Columns), rows);

    public void Linear(CpuTensor input, CpuTensor weight, CpuTensor output, int rows, bool accumulate)
    {
        switch (weight.Type)
        {
            case DType.F32:
                Linear<F32Elements>(input, weight, output, rows, accumulate);
                break;
            case DType.F16:
                Linear<F16Elements>(input, weight, output, rows, accumulate);
                break;
            case DType.BF16:
                Linear<BF16Elements>(input, weight, output, rows, accumulate);
                break;
            default:
                Linear<Q8Elements>(input, weight, output, rows, accumulate);
                break;
        }
    }

    public void SwiGlu(CpuTensor gate, CpuTensor up, CpuTensor output, int rows) =>
        _threads.Run(new SwiGluJob<TSimd, TVec>(gate.Floats, up.Floats, output.Floats, gate.Columns), rows);

    public void RopeAndWriteKv(CpuTensor q, CpuTensor k, CpuTensor v, CpuTensor rotation, bool interleaved, CpuTensor pool, int layer, AttentionBatch batch)
    {
        FindSlots(batch, pool.Layout!.BlockSize);
        fixed (BlockId* slots = _slots)
        fixed (int* offsets = _offsets)
        {
            _threads.Run(new RopeAndWriteKvJob(q, k, v, rotation, interleaved, pool, layer, slots, offsets), batch.Rows);
        }
    }

    public void Attend(CpuTensor q, CpuTensor pool, int layer, AttentionBatch batch, float scale, CpuTensor output)
    {
        CutTiles(batch);
        int items = _tiles.Count * pool.Layout!.KvHeads;
        if (pool.Type == DType.F32)
        {
            _threads.Run(new AttendJob<TSimd, TVec, F32Elements>(q, pool, layer, batch, _tiles, scale, output), items);
        }
        else
        {
            _threads.Run(new AttendJob<TSimd, TVec, BF16Elements>(q, pool, layer, batch, _tiles, scale, output), items);
        }
    }

    public FenceTicket CopyOut(CpuTensor pool, BlockId block, int firstLayer, int layers, Memory<byte> destination, FenceTicket after)
    {
        int bytes = checked((int)(pool.Layout!.LayerBytes * layers));
        new ReadOnlySpan<byte>(pool.Layer(block, firstLayer), bytes).CopyTo(destination.Span);
        return Fence();
    }

    public FenceTicket CopyIn(CpuTensor pool, BlockId block, int firstLayer, int layers, ReadOnlyMemory<byte> source, FenceTicket after)
    {
        int bytes = checked((int)(pool.Layout!.LayerBytes * layers));
        source.Span[..bytes].CopyTo(new Span<byte>(pool.Layer(block, firstLayer), bytes));
        return Fence();
    }

    public FenceTicket Fence() => default;

    public void Wait(FenceTicket ticket)
    {
    }

    public void Dispose() => _threads.Dispose();

    private void Embed<TElements>(CpuTensor table, ReadOnlySpan<int> tokens, CpuTensor output)
        where TElements : struct, IElements
    {
        fixed (int* ids = tokens)
        {
            var job = new EmbedJob<TSimd, TVec, TElements>(
                table.Data, table.Type.RowBytes(table.Columns), ids, output.Floats, table.Columns);
            _threads.Run(job, tokens.Length);
        }
    }

    private void Linear<TElements>(CpuTensor input, CpuTensor weight, CpuTensor output, int rows, bool accumulate)
        where TElements : struct, IElements
    {
        var job = new LinearJob<TSimd, TVec, TElements>(
            input.Floats, weight.Data, weight.Type.RowBytes(weight.Columns), output.Floats, rows, weight.Columns, weight.Rows, accumulate);
        int block = LinearJob<TSimd, TVec, TElements>.BlockOutputs;
        _threads.Run(job, (weight.Rows + block - 1) / block);
    }

    /// <summary>The block and the position in it that each row of the batch writes.</summary>
    private void FindSlots(AttentionBatch batch, int blockSize)
    {
        if (_slots.Length < batch.Rows)
        {
            _slots = new BlockId[batch.Rows];
            _offsets = new int[batch.Rows];
        }

        for (int s = 0; s < batch.Segments.Count; s++)
        {
            var segment = batch.Segments[s];
            for (int i = 0; i < segment.Rows; i++)
            {
                var (block, offset) = Math.DivRem(segment.FirstPosition + i, blockSize);
                _slots[segment.FirstRow + i] = segment.Blocks.Span[block];
                _offsets[segment.FirstRow + i] = offset;
            }
        }
    }

    private void CutTiles(AttentionBatch batch)
    {
        _tiles.Clear();
        for (int s = 0; s < batch.Segments.Count; s++)
        {
            int rows = batch.Segments[s].Rows;
            for (int row = 0; row < rows; row += AttendTile.MaxRows)
            {
                _tiles.Add(new AttendTile(s, row, Math.Min(AttendTile.MaxRows, rows - row)));
            }
        }
    }
}
