using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// Causal attention through the block tables, in one pass over K and V: for each tile of keys, the scores of all
/// queries, an online softmax, and the weighted values. Keys lie across the lanes for the scores, dimensions for the
/// values, and all queries of a tile (its rows × the heads of a group) share every load of K and V.
/// </summary>
internal readonly unsafe struct AttendJob<TSimd, TVec, TElements>(
    CpuTensor q, CpuTensor pool, int layer, AttentionBatch batch, AttendPlan plan, float scale, CpuTensor output) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
    where TElements : struct, IElements
{
    public void Execute(int index)
    {
        var item = plan.Items[index];
        var tile = plan.Tiles[item.Tile];
        int dim = plan.Layout.HeadDim;
        int queries = tile.Rows * plan.Group;
        float* memory = stackalloc float[KeyTiles<TSimd, TVec, TElements>.Floats(queries, plan.Layout) + (2 * AttendState<TSimd, TVec>.Floats(queries, dim))];
        var keys = new KeyTiles<TSimd, TVec, TElements>(memory, pool, layer, item.KvHead, batch.Segments[tile.Segment], tile, plan.Group);
        keys.LoadQueries(q, scale);
        memory += KeyTiles<TSimd, TVec, TElements>.Floats(queries, plan.Layout);
        var partial = new AttendState<TSimd, TVec>(tile.IsSplit ? plan.Slot(tile, item.KvHead, item.FirstRange) : memory, queries, dim);
        if (item.EndRange - item.FirstRange == 1)
        {
            partial.Clear();
            keys.Attend(item.FirstRange, partial);
        }
        else
        {
            var total = partial;
            partial = new AttendState<TSimd, TVec>(memory + AttendState<TSimd, TVec>.Floats(queries, dim), queries, dim);
            total.Clear();
            for (int range = item.FirstRange; range < item.EndRange; range++)
            {
                partial.Clear();
                keys.Attend(range, partial);
                total.Merge(partial);
            }

            partial = total;
        }

        if (!tile.IsSplit)
        {
            AttendMergeJob<TSimd, TVec>.Write(partial, plan, batch, tile, item.KvHead, output);
        }
    }
}

/// <summary>Merges the partials of split tiles in ascending order; an item is (tile, KV head).</summary>
internal readonly unsafe struct AttendMergeJob<TSimd, TVec>(AttentionBatch batch, AttendPlan plan, CpuTensor output) : IJob
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public void Execute(int item)
    {
        int kvHead = item % plan.Layout.KvHeads;
        var tile = plan.Tiles[item / plan.Layout.KvHeads];
        if (!tile.IsSplit)
        {
            return;
        }

        int dim = plan.Layout.HeadDim;
        int queries = tile.Rows * plan.Group;
        float* memory = stackalloc float[AttendState<TSimd, TVec>.Floats(queries, dim)];
        var total = new AttendState<TSimd, TVec>(memory, queries, dim);
        total.Clear();
        for (int range = 0; range < tile.Ranges; range++)
        {
            total.Merge(new AttendState<TSimd, TVec>(plan.Slot(tile, kvHead, range), queries, dim));
        }

        Write(total, plan, batch, tile, kvHead, output);
    }

    public static void Write(
        in AttendState<TSimd, TVec> state, AttendPlan plan, AttentionBatch batch, in AttendTile tile, int kvHead, CpuTensor output)
    {
        int dim = plan.Layout.HeadDim;
        for (int row = 0; row < tile.Rows; row++)
        {
            long first = batch.Segments[tile.Segment].FirstRow + tile.FirstRow + row;
            float* target = output.Floats + (first * output.Columns) + ((long)kvHead * plan.Group * dim);
            for (int head = 0; head < plan.Group; head++)
            {
                state.Normalised((row * plan.Group) + head, target + (head * dim));
            }
        }
    }
}
