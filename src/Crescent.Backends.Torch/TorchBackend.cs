using System.Runtime.InteropServices;
using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace Crescent.Backends.Torch;

/// <summary>
/// The same operations on libtorch, on its CPU or a CUDA device, written as plainly as they are defined: the second
/// oracle beside the CPU backend. Not row-invariant: libtorch chooses kernels by shape. Errors of the device come out of
/// <see cref="Wait"/> and <see cref="Download"/> at the latest.
/// </summary>
public sealed class TorchBackend : IBackend<TorchTensor>
{
    /// <summary>Raised whenever a change here gives other bits.</summary>
    private const int Revision = 1;

    private readonly torch.Device _device;
    private readonly TorchWeights _weights;
    private readonly PagedAttention _attention;
    private long _issued;
    private long _done;

    /// <exception cref="ArgumentException">The device's name is none.</exception>
    /// <exception cref="NotSupportedException">There is no such device, or no libtorch for it that can be loaded.</exception>
    public TorchBackend(TorchOptions? options = null)
    {
        options ??= new TorchOptions();
        _device = Open(options.Device);
        _weights = options.Weights ?? (OnCuda ? TorchWeights.Stored : TorchWeights.Widened);
        _attention = new PagedAttention(_device, options.MaxScores);
        if (!OnCuda)
        {
            torch.set_num_threads(options.Threads ?? Environment.ProcessorCount);
        }

        string device = OnCuda ? "cuda" : "cpu";
        string id = $"torch-{torch.__version__}/{device}/{(_weights == TorchWeights.Narrow ? "narrow" : "f32")}/r{Revision}";
        Info = new BackendInfo("torch", id, HostMemory: !OnCuda, RowInvariant: false);
    }

    public BackendInfo Info { get; }

    private bool OnCuda => _device.type == DeviceType.CUDA;

    public TorchTensor LoadWeight(in WeightSource source)
    {
        // One row is a norm's weight.
        var keep = source.Rows == 1 ? TorchWeights.Widened : _weights;
        var type = (source.Type, keep) switch
        {
            (DType.F16, TorchWeights.Stored) => torch.ScalarType.Float16,
            (DType.F16, TorchWeights.Narrow) when OnCuda => torch.ScalarType.Float16,
            (DType.BF16, TorchWeights.Stored or TorchWeights.Narrow) => torch.ScalarType.BFloat16,
            (DType.Q8_0 or DType.Q4_K, TorchWeights.Narrow) => torch.ScalarType.BFloat16,
            _ => torch.ScalarType.Float32,
        };
        return new TorchTensor(HostCopy.Load(source, type, _device));
    }

    public TorchTensor CreateActivation(int rows, int columns) =>
        new(torch.zeros(rows, columns, dtype: torch.ScalarType.Float32, device: _device));

    public TorchTensor CreateKvPool(KvLayout layout, int blocks)
    {
        var type = layout.Type switch
        {
            DType.F32 => torch.ScalarType.Float32,
            DType.BF16 => torch.ScalarType.BFloat16,
            _ => throw new NotSupportedException($"the Torch backend keeps KV as F32 or BF16, not {layout.Type}"),
        };
        long[] shape = [layout.Layers, blocks, 2, layout.KvHeads, layout.BlockSize, layout.HeadDim];
        return new TorchTensor(torch.zeros(shape, dtype: type, device: _device), layout);
    }

    public void Release(TorchTensor handle) => handle.Dispose();

    public void Upload(ReadOnlySpan<float> values, TorchTensor activation)
    {
        using var scope = torch.NewDisposeScope();
        HostCopy.Write(MemoryMarshal.AsBytes(values), activation.AsMatrix(1, values.Length));
    }

    public void Download(TorchTensor activation, Span<float> values)
    {
        using var scope = torch.NewDisposeScope();
        HostCopy.Read(activation.AsMatrix(1, values.Length), MemoryMarshal.AsBytes(values));
    }

    public void Embed(TorchTensor table, ReadOnlySpan<int> tokens, TorchTensor output) => Gather(table, tokens, output);

    public void Gather(TorchTensor input, ReadOnlySpan<int> rows, TorchTensor output)
    {
        using var scope = torch.NewDisposeScope();
        var indices = torch.tensor(rows.ToArray(), dtype: torch.ScalarType.Int64, device: _device);
        output.FirstRows(rows.Length).copy_(input.Value.index_select(0, indices));
    }

    public void RmsNorm(TorchTensor input, TorchTensor weight, float epsilon, TorchTensor output, int rows)
    {
        using var scope = torch.NewDisposeScope();
        long columns = weight.Value.shape[1];
        var x = input.AsMatrix(rows, columns);
        var scale = x.square().mean([1], keepdim: true).add_(epsilon).rsqrt_();
        output.AsMatrix(rows, columns).copy_((x * scale).mul_(weight.Value));
    }

    public void Linear(TorchTensor input, TorchTensor weight, TorchTensor output, int rows, bool accumulate)
    {
        using var scope = torch.NewDisposeScope();
        var type = _weights == TorchWeights.Narrow ? weight.Value.dtype : torch.ScalarType.Float32;
        var product = input.FirstRows(rows).to_type(type).mm(weight.Value.to_type(type).t());
        var target = output.FirstRows(rows);
        if (accumulate)
        {
            target.add_(product);
        }
        else
        {
            target.copy_(product);
        }
    }

    public void SwiGlu(TorchTensor gate, TorchTensor up, TorchTensor output, int rows)
    {
        using var scope = torch.NewDisposeScope();
        output.FirstRows(rows).copy_(gate.FirstRows(rows).silu().mul_(up.FirstRows(rows)));
    }

    public void RopeAndWriteKv(
        TorchTensor q, TorchTensor k, TorchTensor v, TorchTensor rotation, bool interleaved, TorchTensor pool, int layer, AttentionBatch batch)
    {
        using var scope = torch.NewDisposeScope();
        int rows = batch.Rows;
        var angles = rotation.FirstRows(rows);
        PagedAttention.Rotate(q.FirstRows(rows), angles, interleaved);
        PagedAttention.Rotate(k.FirstRows(rows), angles, interleaved);
        _attention.WriteKv(k.FirstRows(rows), v.FirstRows(rows), pool, layer, batch);
    }

    public void Attend(TorchTensor q, TorchTensor pool, int layer, AttentionBatch batch, float scale, TorchTensor output)
    {
        foreach (var segment in batch.Segments)
        {
            _attention.Attend(q, pool, layer, segment, scale, output);
        }
    }

    public FenceTicket CopyOut(TorchTensor pool, BlockId block, int firstLayer, int layers, Memory<byte> destination, FenceTicket after)
    {
        using var scope = torch.NewDisposeScope();
        HostCopy.Read(Block(pool, block, firstLayer, layers), destination.Span);
        return Fence();
    }

    public FenceTicket CopyIn(TorchTensor pool, BlockId block, int firstLayer, int layers, ReadOnlyMemory<byte> source, FenceTicket after)
    {
        using var scope = torch.NewDisposeScope();
        int bytes = checked((int)(pool.Layout!.LayerBytes * layers));
        HostCopy.Write(source.Span[..bytes], Block(pool, block, firstLayer, layers));
        return Fence();
    }

    public FenceTicket Fence() => new(++_issued);

    public void Wait(FenceTicket ticket)
    {
        if (ticket.Value <= _done)
        {
            return;
        }

        if (OnCuda)
        {
            torch.cuda.synchronize(_device);
        }

        _done = _issued;
    }

    /// <summary>Handles outlive it until they are released; the device's memory is libtorch's.</summary>
    public void Dispose()
    {
    }

    /// <summary>A view [layers, K and V, KV heads, positions, dim]: the interchange layout, but for its strides.</summary>
    private static Tensor Block(TorchTensor pool, BlockId block, int firstLayer, int layers) =>
        pool.Value.narrow(0, firstLayer, layers).select(1, block.Value);

    private static torch.Device Open(string name)
    {
        if (name != "cpu" && name != "cuda" && !(name.StartsWith("cuda:", StringComparison.Ordinal) && int.TryParse(name.AsSpan(5), out _)))
        {
            throw new ArgumentException($"'{name}' is no device; it can be cpu, cuda or cuda:N", nameof(name));
        }

        torch.Device device;
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            device = new torch.Device(name);
        }
        catch (TypeInitializationException e)
        {
            throw new NotSupportedException("libtorch cannot be loaded on this machine", e);
        }

        if (device.type == DeviceType.CUDA && (!torch.TryInitializeDeviceType(DeviceType.CUDA) || device.index >= torch.cuda.device_count()))
        {
            throw new NotSupportedException($"there is no device {name} here, or this build has no libtorch for it (-p:Torch=cuda)");
        }

        return device;
    }
}
