using Tensor = TorchSharp.torch.Tensor;

namespace Crescent.Backends.Torch;

/// <summary>A handle of the Torch backend: a weight or an activation [rows, columns], or a KV pool.</summary>
public sealed class TorchTensor : IDisposable
{
    /// <param name="value">Belongs to the handle alone from here on.</param>
    internal TorchTensor(Tensor value, KvLayout? layout = null)
    {
        Value = value.DetachFromDisposeScope();
        Layout = layout;
    }

    /// <summary>Contiguous; a pool is [layers, blocks, K and V, KV heads, block size, dim].</summary>
    internal Tensor Value { get; }

    /// <summary>Set on KV pools.</summary>
    internal KvLayout? Layout { get; }

    public void Dispose() => Value.Dispose();

    /// <summary>A view of the first elements as a matrix, whatever the shape they were made in.</summary>
    internal Tensor AsMatrix(int rows, long columns) => Value.view(-1).narrow(0, 0, rows * columns).view(rows, columns);

    /// <summary>A view of the first rows.</summary>
    internal Tensor FirstRows(int rows) => Value.narrow(0, 0, rows);
}
