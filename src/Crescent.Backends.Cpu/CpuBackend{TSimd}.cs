using Crescent.Backends.Cpu.Kernels;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu;

/// <summary>
/// Managed SIMD kernels over native memory. Calls run at once on the backend's threads; only linear layers wait for a
/// call that is not another layer of the same input, so fences are free. Weights are aliased where they lie, also in
/// their quantised form.
/// </summary>
internal sealed unsafe class CpuBackend<TSimd, TVec> : IBackend<CpuTensor>
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    /// <summary>Raised whenever a kernel's bits change, so that KV of two revisions never mixes.</summary>
    private const int KernelRevision = 2;

    /// <summary>A tile of attention lies on the stack.</summary>
    private const int MaxHeadDim = 256;

    private readonly CpuThreads _threads;
    private readonly AttendPlan _plan = new();
    private readonly List<LinearPart> _linear = [];
    private CpuTensor? _linearInput;
    private int _linearRows;
    private bool _linearAccumulates;
    private KvSlot[] _slots = [];

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
        if (layout.Type is not (DType.F32 or DType.BF16 or DType.Q8_0))
        {
            throw new NotSupportedException($"the CPU backend keeps KV as F32, BF16 or Q8_0, not {layout.Type}");
        }

        if (layout.HeadDim % layout.Type.RunLength() != 0)
        {
            throw new NotSupportedException(
                $"the CPU backend keeps KV as {layout.Type} for heads of whole runs of {layout.Type.RunLength()} dimensions, not {layout.HeadDim}");
        }

        if (layout.HeadDim > MaxHeadDim)
        {
            throw new NotSupportedException($"the CPU backend attends heads of up to {MaxHeadDim} dimensions, not {layout.HeadDim}");
        }

        return CpuTensor.KvPool(layout, blocks);
    }

    public void Release(CpuTensor handle)
    {
        Flush();
        handle.Dispose();
    }

    public void Upload(ReadOnlySpan<float> values, CpuTensor activation)
    {
        Flush();
        values.CopyTo(new Span<float>(activation.Floats, checked(activation.Rows * activation.Columns)));
    }

    public void Download(CpuTensor activation, Span<float> values)
    {
        Flush();
        new ReadOnlySpan<float>(activation.Floats, values.Length).CopyTo(values);
    }

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
            case DType.Q8_0:
                Embed<Q8Elements>(table, tokens, output);
                break;
            default:
                Embed<Q4KElements>(table, tokens, output);
                break;
        }
    }

    public void Gather(CpuTensor input, ReadOnlySpan<int> rows, CpuTensor output)
    {
        Flush();
        for (int i = 0; i < rows.Length; i++)
        {
            var source = new ReadOnlySpan<float>(input.Floats + ((long)rows[i] * input.Columns), input.Columns);
            source.CopyTo(new Span<float>(output.Floats + ((long)i * input.Columns), input.Columns));
        }
    }

    public void RmsNorm(CpuTensor input, CpuTensor weight, float epsilon, CpuTensor output, int rows) =>
        Run(new RmsNormJob<TSimd, TVec>(input.Floats, weight.Floats, epsilon, output.Floats, weight.Columns), rows);

    public void Linear(CpuTensor input, CpuTensor weight, CpuTensor output, int rows, bool accumulate)
    {
        // Layers of one input wait for each other and run as one job: Q, K and V; gate and up.
        bool joins = _linearInput == input && _linearRows == rows && !_linearAccumulates && !accumulate && output != input;
        foreach (var part in _linear)
        {
            joins &= part.Output != output;
        }

        if (!joins)
        {
            Flush();
        }

        _linear.Add(new LinearPart(weight, output));
        (_linearInput, _linearRows, _linearAccumulates) = (input, rows, accumulate);
    }

    public void SwiGlu(CpuTensor gate, CpuTensor up, CpuTensor output, int rows) =>
        Run(new SwiGluJob<TSimd, TVec>(gate.Floats, up.Floats, output.Floats, gate.Columns), rows);

    public void RopeAndWriteKv(CpuTensor q, CpuTensor k, CpuTensor v, CpuTensor rotation, bool interleaved, CpuTensor pool, int layer, AttentionBatch batch)
    {
        FindSlots(batch, pool.Layout!.BlockSize);
        fixed (KvSlot* slots = _slots)
        {
            int items = (batch.Rows + RopeJob<TSimd, TVec>.Rows - 1) / RopeJob<TSimd, TVec>.Rows;
            Run(new RopeJob<TSimd, TVec>(q, k, v, rotation, interleaved, pool, layer, slots, batch.Rows), items);
        }
    }

    public void Attend(CpuTensor q, CpuTensor pool, int layer, AttentionBatch batch, float scale, CpuTensor output)
    {
        var layout = pool.Layout!;
        _plan.Cut(batch, layout, q.Columns / layout.HeadDim / layout.KvHeads);
        switch (pool.Type)
        {
            case DType.F32:
                Run(new AttendJob<TSimd, TVec, F32Elements>(q, pool, layer, batch, _plan, scale, output), _plan.Items.Count);
                break;
            case DType.BF16:
                Run(new AttendJob<TSimd, TVec, BF16Elements>(q, pool, layer, batch, _plan, scale, output), _plan.Items.Count);
                break;
            default:
                Run(new AttendJob<TSimd, TVec, Q8Elements>(q, pool, layer, batch, _plan, scale, output), _plan.Items.Count);
                break;
        }

        Run(new AttendMergeJob<TSimd, TVec>(batch, _plan, output), _plan.Merges);
    }

    public FenceTicket CopyOut(CpuTensor pool, BlockId block, int firstLayer, int layers, Memory<byte> destination, FenceTicket after)
    {
        fixed (byte* outside = destination.Span[..checked((int)(pool.Layout!.LayerBytes * layers))])
        {
            Interchange.Copy(pool, block, firstLayer, layers, outside, inward: false);
        }

        return Fence();
    }

    public FenceTicket CopyIn(CpuTensor pool, BlockId block, int firstLayer, int layers, ReadOnlyMemory<byte> source, FenceTicket after)
    {
        fixed (byte* outside = source.Span[..checked((int)(pool.Layout!.LayerBytes * layers))])
        {
            Interchange.Copy(pool, block, firstLayer, layers, outside, inward: true);
        }

        return Fence();
    }

    public FenceTicket Fence() => default;

    public void Wait(FenceTicket ticket) => Flush();

    public void Dispose()
    {
        _threads.Dispose();
        _plan.Dispose();
    }

    private void Embed<TElements>(CpuTensor table, ReadOnlySpan<int> tokens, CpuTensor output)
        where TElements : struct, IElements
    {
        fixed (int* ids = tokens)
        {
            var job = new EmbedJob<TSimd, TVec, TElements>(
                table.Data, table.Type.RowBytes(table.Columns), ids, output.Floats, table.Columns);
            Run(job, tokens.Length);
        }
    }

    /// <summary>Runs a kernel behind everything enqueued before it.</summary>
    private void Run<TJob>(TJob job, int items)
        where TJob : struct, IJob
    {
        Flush();
        _threads.Run(job, items);
    }

    private void Flush()
    {
        if (_linear.Count == 0)
        {
            return;
        }

        int outputs = LinearJob.ItemOutputs(_linear, _linearRows, _threads.Count);
        int items = 0;
        foreach (var part in _linear)
        {
            items += part.Items(outputs);
        }

        _threads.Run(new LinearJob<TSimd, TVec>(_linearInput!, _linear, outputs, _linearRows, _linearAccumulates), items);
        _linear.Clear();
    }

    /// <summary>The block and the position in it that each row of the batch writes.</summary>
    private void FindSlots(AttentionBatch batch, int blockSize)
    {
        if (_slots.Length < batch.Rows)
        {
            _slots = new KvSlot[batch.Rows];
        }

        for (int s = 0; s < batch.Segments.Count; s++)
        {
            var segment = batch.Segments[s];
            for (int i = 0; i < segment.Rows; i++)
            {
                var (block, offset) = Math.DivRem(segment.FirstPosition + i, blockSize);
                _slots[segment.FirstRow + i] = new KvSlot(segment.Blocks.Span[block], offset);
            }
        }
    }
}
