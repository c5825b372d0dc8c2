namespace Crescent;

/// <summary>
/// The device seam. <typeparamref name="T"/> is an opaque weight, activation or KV handle; the backend owns all
/// device memory and everybody else holds handles and block ids. Calls are enqueued in order and may return before
/// they ran: nothing is visible to the host until <see cref="Wait"/> on a later <see cref="Fence"/> ticket returns.
/// What the device fails at throws at the latest from the next <see cref="Wait"/> or <see cref="Download"/>.
/// One thread calls at a time. Fusion, device layout and weight packing are the backend's private business.
/// Activations are fp32 [rows, columns], row-major; an operation uses the first <c>rows</c> rows.
/// </summary>
public interface IBackend<T> : IDisposable
    where T : class
{
    BackendInfo Info { get; }

    /// <summary>
    /// Makes a weight from native memory that outlives it; host backends may alias it instead of copying. A matrix of one
    /// row is the weight of a norm, and may be kept in another type for that.
    /// </summary>
    /// <exception cref="NotSupportedException">The backend has no kernels for the dtype.</exception>
    T LoadWeight(in WeightSource source);

    T CreateActivation(int rows, int columns);

    /// <summary>
    /// Memory for <paramref name="blocks"/> blocks of this layout, of any content: what no row has written is not read,
    /// be it not a number.
    /// </summary>
    /// <exception cref="NotSupportedException">The backend has no kernels for the dtype.</exception>
    T CreateKvPool(KvLayout layout, int blocks);

    /// <summary>Frees a handle. The work enqueued before may still use it.</summary>
    void Release(T handle);

    /// <summary>Host to activation: <paramref name="values"/> is [rows, columns].</summary>
    void Upload(ReadOnlySpan<float> values, T activation);

    /// <summary>Activation to host: the first <c>values.Length</c> elements. Waits for everything enqueued before.</summary>
    void Download(T activation, Span<float> values);

    /// <summary>output[i] = table[tokens[i]].</summary>
    void Embed(T table, ReadOnlySpan<int> tokens, T output);

    /// <summary>output[i] = input[rows[i]].</summary>
    void Gather(T input, ReadOnlySpan<int> rows, T output);

    /// <summary>
    /// Normalises runs of the weight's length: output = input / sqrt(mean(input²) + epsilon) · weight, over
    /// <paramref name="rows"/> such runs (a head norm has tokens × heads of them). In place when both are the same handle.
    /// </summary>
    void RmsNorm(T input, T weight, float epsilon, T output, int rows);

    /// <summary>output = input · weightᵀ, or output += input · weightᵀ; weight is [output columns, input columns]. Never in place.</summary>
    void Linear(T input, T weight, T output, int rows, bool accumulate);

    /// <summary>output = silu(gate) · up, element by element. In place when the output is one of them.</summary>
    void SwiGlu(T gate, T up, T output, int rows);

    /// <summary>
    /// Rotates the batch's q [rows, heads · dim] in place and k [rows, kvHeads · dim], and writes k and v of every row
    /// to its slot in the pool.
    /// </summary>
    /// <param name="rotation">[rows, dim]: per row dim/2 cosines, then dim/2 sines.</param>
    /// <param name="interleaved">Whether pairs are (2i, 2i+1) rather than (i, i + dim/2).</param>
    void RopeAndWriteKv(T q, T k, T v, T rotation, bool interleaved, T pool, int layer, AttentionBatch batch);

    /// <summary>
    /// Causal attention of every row over all positions of its sequence up to its own, read through the block
    /// tables: output[r] = softmax(scale · q[r] · Kᵀ) V, heads of a group sharing their KV head.
    /// </summary>
    void Attend(T q, T pool, int layer, AttentionBatch batch, float scale, T output);

    /// <summary>
    /// Device to host, in the interchange layout of <see cref="KvLayout"/>, after <paramref name="after"/> is done.
    /// <paramref name="destination"/> must stay in place until the returned ticket is.
    /// </summary>
    FenceTicket CopyOut(T pool, BlockId block, int firstLayer, int layers, Memory<byte> destination, FenceTicket after);

    /// <summary>Host to device; the counterpart of <see cref="CopyOut"/>.</summary>
    FenceTicket CopyIn(T pool, BlockId block, int firstLayer, int layers, ReadOnlyMemory<byte> source, FenceTicket after);

    /// <summary>A ticket for everything enqueued so far.</summary>
    FenceTicket Fence();

    /// <summary>Returns when the ticket's work is done and visible.</summary>
    void Wait(FenceTicket ticket);
}

/// <summary>A point in a backend's queue. Tickets of one backend complete in ascending order; the default one is always complete.</summary>
public readonly record struct FenceTicket(long Value);

/// <param name="Name">"cpu", "torch".</param>
/// <param name="NumericsId">Backend, kernel path and kernel revision: what bits a computation gives.</param>
/// <param name="HostMemory">Whether its memory is host memory, so that a raw host tier would only copy it.</param>
/// <param name="RowInvariant">Whether the bits of a row depend on that row alone (invariant 9).</param>
public sealed record BackendInfo(string Name, string NumericsId, bool HostMemory, bool RowInvariant);
