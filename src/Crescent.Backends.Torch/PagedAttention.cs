using TorchSharp;
using Tensor = TorchSharp.torch.Tensor;

namespace Crescent.Backends.Torch;

/// <summary>Rotation, and attention through block tables, in matrix products over gathered blocks.</summary>
internal sealed class PagedAttention(torch.Device device, int maxScores)
{
    /// <summary>Rotates [rows, heads · dim] in place by [rows, dim]: dim/2 cosines, then dim/2 sines.</summary>
    public static void Rotate(Tensor x, Tensor rotation, bool interleaved)
    {
        long rows = x.shape[0];
        long half = rotation.shape[1] / 2;
        var cosines = rotation.narrow(1, 0, half).unsqueeze(1);
        var sines = rotation.narrow(1, half, half).unsqueeze(1);

        // [rows, heads, 2, dim/2], so that pairs differ in the third index alone.
        var pairs = interleaved ? x.view(rows, -1, half, 2).transpose(2, 3) : x.view(rows, -1, 2, half);
        var a = pairs.select(2, 0);
        var b = pairs.select(2, 1);
        pairs.copy_(torch.stack([(a * cosines) - (b * sines), (a * sines) + (b * cosines)], dim: 2));
    }

    /// <summary>Writes k and v, [rows, KV heads · dim], to the slots of the batch's rows.</summary>
    public void WriteKv(Tensor k, Tensor v, TorchTensor pool, int layer, AttentionBatch batch)
    {
        var layout = pool.Layout!;
        var blocks = new long[batch.Rows];
        var offsets = new long[batch.Rows];
        foreach (var segment in batch.Segments)
        {
            for (int i = 0; i < segment.Rows; i++)
            {
                var (block, offset) = Math.DivRem(segment.FirstPosition + i, layout.BlockSize);
                blocks[segment.FirstRow + i] = segment.Blocks.Span[block].Value;
                offsets[segment.FirstRow + i] = offset;
            }
        }

        var blockIndex = torch.TensorIndex.Tensor(torch.tensor(blocks, device: device));
        var offsetIndex = torch.TensorIndex.Tensor(torch.tensor(offsets, device: device));
        var halves = pool.Value.select(0, layer);
        Write(k, 0);
        Write(v, 1);

        void Write(Tensor values, int half)
        {
            var rounded = values.view(-1, layout.KvHeads, layout.HeadDim).to_type(pool.Value.dtype);
            halves.select(1, half).index_put_(rounded, blockIndex, torch.TensorIndex.Slice(), offsetIndex);
        }
    }

    /// <summary>Causal attention of a segment's rows over its sequence, in tiles of rows whose scores fit the limit.</summary>
    public void Attend(TorchTensor q, TorchTensor pool, int layer, BatchSegment segment, float scale, TorchTensor output)
    {
        using var scope = torch.NewDisposeScope();
        var layout = pool.Layout!;
        int length = segment.FirstPosition + segment.Rows;
        int count = (length + layout.BlockSize - 1) / layout.BlockSize;
        long[] table = [.. segment.Blocks[..count].ToArray().Select(block => (long)block.Value)];
        var blocks = pool.Value.select(0, layer).index_select(0, torch.tensor(table, device: device));
        var keys = Gathered(0);
        var values = Gathered(1);
        long heads = q.Value.shape[1] / layout.HeadDim;
        int tile = (int)Math.Clamp(maxScores / (heads * length), 1, segment.Rows);
        for (int row = 0; row < segment.Rows; row += tile)
        {
            using var tileScope = torch.NewDisposeScope();
            int rows = Math.Min(tile, segment.Rows - row);
            var queries = q.Value.narrow(0, segment.FirstRow + row, rows);
            output.Value.narrow(0, segment.FirstRow + row, rows)
                .copy_(AttendTile(queries, keys, values, segment.FirstPosition + row, scale));
        }

        // [KV heads, length, dim] of K (0) or V (1).
        Tensor Gathered(int half) => blocks.select(1, half).transpose(0, 1)
            .reshape(layout.KvHeads, (long)count * layout.BlockSize, layout.HeadDim)
            .narrow(1, 0, length).to_type(torch.ScalarType.Float32);
    }

    /// <summary>[rows, heads · dim] attended; the first row is at the given position.</summary>
    private Tensor AttendTile(Tensor q, Tensor keys, Tensor values, int firstPosition, float scale)
    {
        long rows = q.shape[0];
        long kvHeads = keys.shape[0];
        long length = keys.shape[1];
        long dim = keys.shape[2];
        long group = q.shape[1] / dim / kvHeads;
        var queries = q.view(rows, kvHeads, group, dim).transpose(0, 1).reshape(kvHeads, rows * group, dim);
        var scores = queries.bmm(keys.transpose(1, 2)).mul_(scale).view(kvHeads, rows, group, length);
        var positions = torch.arange(firstPosition, firstPosition + rows, device: device).view(rows, 1, 1);
        scores.masked_fill_(torch.arange(0, length, device: device) > positions, float.NegativeInfinity);
        var weights = scores.softmax(-1).view(kvHeads, rows * group, length);
        return weights.bmm(values).view(kvHeads, rows, group, dim).transpose(0, 1).reshape(rows, kvHeads * group * dim);
    }
}
