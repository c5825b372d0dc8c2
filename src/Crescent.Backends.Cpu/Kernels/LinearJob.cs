using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>One weight of a <see cref="LinearJob{TSimd, TVec}"/>: output [rows, weight rows] (+)= input · weightᵀ.</summary>
internal readonly record struct LinearPart(CpuTensor Weight, CpuTensor Output)
{
    /// <summary>Items of so many outputs.</summary>
    public int Items(int outputs) => (Weight.Rows + outputs - 1) / outputs;
}

internal static class LinearJob
{
    /// <summary>Rows below which memory is the limit.</summary>
    private const int FewRows = 64;

    /// <summary>Items a thread has on average of a job that memory limits.</summary>
    private const int ItemsPerThread = 4;

    /// <summary>Outputs of the smallest item: whole panels, and enough work to be worth handing out.</summary>
    private const int MinOutputs = 4 * PanelTile.Outputs;

    /// <summary>
    /// Outputs of an item. Kernels fetch ahead within an item, so that where memory is the limit few long items are better
    /// than many short ones; else short ones even out.
    /// </summary>
    public static int ItemOutputs(List<LinearPart> parts, int rows, int threads)
    {
        if (rows >= FewRows)
        {
            return MinOutputs;
        }

        int outputs = 0;
        foreach (var part in parts)
        {
            outputs += part.Weight.Rows;
        }

        int share = outputs / (threads * ItemsPerThread);
        return (Math.Max(share, 1) + MinOutputs - 1) / MinOutputs * MinOutputs;
    }
}

/// <summary>
/// The linear layers that share an input (Q, K and V; gate and up) as one job. An item is a block of outputs of one
/// part, over all rows, so that a weight is read from memory once.
/// </summary>
internal readonly unsafe struct LinearJob<TSimd, TVec>(CpuTensor input, List<LinearPart> parts, int itemOutputs, int rows, bool accumulate) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public void Execute(int item)
    {
        int index = 0;
        while (item >= parts[index].Items(itemOutputs))
        {
            item -= parts[index++].Items(itemOutputs);
        }

        var part = parts[index];
        int first = item * itemOutputs;
        int end = Math.Min(first + itemOutputs, part.Weight.Rows);
        switch (part.Weight.Type)
        {
            case DType.F32:
                Run<F32Elements>(part, first, end);
                break;
            case DType.F16:
                Run<F16Elements>(part, first, end);
                break;
            case DType.BF16:
                Run<BF16Elements>(part, first, end);
                break;
            case DType.Q8_0:
                Run<Q8Elements>(part, first, end);
                break;
            default:
                Run<Q4KElements>(part, first, end);
                break;
        }
    }

    private void Run<TElements>(in LinearPart part, int first, int end)
        where TElements : struct, IElements =>
        new LinearBlock<TSimd, TVec, TElements>(input.Floats, part.Weight, part.Output.Floats, rows, first, end).Run(accumulate);
}
