namespace Crescent.Backends.Torch;

/// <summary>How a backend keeps the weights of its linears, and what it multiplies them with.</summary>
public enum TorchWeights
{
    /// <summary>As F32.</summary>
    Widened,

    /// <summary>16 bits as 16 bits, widened for each product, which has the same bits then. Quantised ones as F32.</summary>
    Stored,

    /// <summary>
    /// 16 bits as 16 bits, quantised ones as BF16, and the input and output of a linear are rounded to that type: the fast way on
    /// CUDA, and too coarse for an oracle. On a CPU, where libtorch may lack the product, F16 is widened.
    /// </summary>
    Narrow,
}

/// <summary>Where and how a <see cref="TorchBackend"/> computes.</summary>
public sealed record TorchOptions
{
    /// <summary>"cpu", "cuda" or a device of it, "cuda:1". Default: cpu.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Threads of an operation on the CPU; libtorch has one such setting per process. Default: one per processor.</summary>
    public int? Threads { get; init; }

    /// <summary>How weights lie on the device. Default: stored on CUDA, widened on a CPU.</summary>
    public TorchWeights? Weights { get; init; }

    /// <summary>Attention scores held at once, over all heads; more rows are cut into tiles. Default: 16,777,216 (64 MiB).</summary>
    public int MaxScores { get; init; } = 1 << 24;
}
