using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>One weight of a <see cref="LinearJob{TSimd, TVec}"/>: output [rows, weight rows] (+)= input · weightᵀ.</summary>
internal readonly record struct LinearPart(CpuTensor Weight, CpuTensor Output)
{
    public int Items => (Weight.Rows + LinearJob.BlockOutputs - 1) / LinearJob.BlockOutputs;
}

internal static class LinearJob
{
    /// <summary>Outputs of an item: whole panels, and enough work to be worth handing out.</summary>
    public const int BlockOutputs = 4 * PanelTile.Outputs;
}

/// <summary>
/// The linear layers that share an input (Q, K and V; gate and up) as one job. An item is a block of outputs of one
/// part, over all rows, so that a weight is read from memory once.
/// </summary>
internal readonly unsafe struct LinearJob<TSimd, TVec>(CpuTensor input, List<LinearPart> parts, int rows, bool accumulate) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public void Execute(int item)
    {
        int index = 0;
        while (item >= parts[index].Items)
        {
            item -= parts[index++].Items;
        }

        var part = parts[index];
        int first = item * LinearJob.BlockOutputs;
        int end = Math.Min(first + LinearJob.BlockOutputs, part.Weight.Rows);
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
