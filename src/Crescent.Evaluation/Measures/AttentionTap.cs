namespace Crescent.Evaluation.Measures;

/// <summary>An attention that has just been computed: the arguments of <see cref="IBackend{T}.Attend"/>, q rotated.</summary>
internal readonly record struct AttendCall<T>(T Q, T Pool, int Layer, AttentionBatch Batch, float Scale, T Output)
    where T : class;

/// <summary>A backend that shows its attention to an observer and leaves everything else to another backend.</summary>
internal sealed class AttentionTap<T>(IBackend<T> backend) : IBackend<T>
    where T : class
{
    /// <summary>Is called after each attention, or null.</summary>
    public Action<AttendCall<T>>? Observer { get; set; }

    public BackendInfo Info => backend.Info;

    public void Attend(T q, T pool, int layer, AttentionBatch batch, float scale, T output)
    {
        backend.Attend(q, pool, layer, batch, scale, output);
        Observer?.Invoke(new AttendCall<T>(q, pool, layer, batch, scale, output));
    }

    public T LoadWeight(in WeightSource source) => backend.LoadWeight(source);

    public T CreateActivation(int rows, int columns) => backend.CreateActivation(rows, columns);

    public T CreateKvPool(KvLayout layout, int blocks) => backend.CreateKvPool(layout, blocks);

    public void Release(T handle) => backend.Release(handle);

    public void Upload(ReadOnlySpan<float> values, T activation) => backend.Upload(values, activation);

    public void Download(T activation, Span<float> values) => backend.Download(activation, values);

    public void Embed(T table, ReadOnlySpan<int> tokens, T output) => backend.Embed(table, tokens, output);

    public void Gather(T input, ReadOnlySpan<int> rows, T output) => backend.Gather(input, rows, output);

    public void RmsNorm(T input, T weight, float epsilon, T output, int rows) => backend.RmsNorm(input, weight, epsilon, output, rows);

    public void Linear(T input, T weight, T output, int rows, bool accumulate) => backend.Linear(input, weight, output, rows, accumulate);

    public void SwiGlu(T gate, T up, T output, int rows) => backend.SwiGlu(gate, up, output, rows);

    public void RopeAndWriteKv(T q, T k, T v, T rotation, bool interleaved, T pool, int layer, AttentionBatch batch) =>
        backend.RopeAndWriteKv(q, k, v, rotation, interleaved, pool, layer, batch);

    public FenceTicket CopyOut(T pool, BlockId block, int firstLayer, int layers, Memory<byte> destination, FenceTicket after) =>
        backend.CopyOut(pool, block, firstLayer, layers, destination, after);

    public FenceTicket CopyIn(T pool, BlockId block, int firstLayer, int layers, ReadOnlyMemory<byte> source, FenceTicket after) =>
        backend.CopyIn(pool, block, firstLayer, layers, source, after);

    public FenceTicket Fence() => backend.Fence();

    public void Wait(FenceTicket ticket) => backend.Wait(ticket);

    public void Dispose() => backend.Dispose();
}
