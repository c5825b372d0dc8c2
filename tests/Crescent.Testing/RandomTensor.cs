using Crescent.Models;

namespace Crescent.Testing;

/// <summary>
/// A tensor of a <see cref="RandomModel"/>, in the layout of Hugging Face. Its values are made when they are asked for,
/// any rows in any order.
/// </summary>
/// <param name="Shape">[columns] or [rows, columns].</param>
/// <param name="Rotated">Whether rows are the elements of heads that are rotated.</param>
/// <param name="Key">Which random numbers it takes.</param>
internal sealed record RandomTensor(
    string HuggingFaceName, string GgufName, long[] Shape, double Mean, double Deviation, bool Rotated, ulong Key)
{
    // The sum of four uniform 16-bit numbers: near enough to a normal distribution, and one step of the generator.
    private const double SumMean = 4 * 65535 / 2.0;
    private const double SumDeviation = 37837.2;

    private const int ElementsAtATime = 1 << 22;

    public long Rows => Shape.Length == 1 ? 1 : Shape[0];

    public int Columns => (int)Shape[^1];

    public static IEnumerable<RandomTensor> All(DecoderConfig config, int seed)
    {
        var hidden = config.HiddenSize;

        // A tied head is the embedding: then its scale is that of the head, or every token would predict itself.
        var head = 2 / Math.Sqrt(hidden);
        yield return Matrix("model.embed_tokens", "token_embd", config.VocabularySize, hidden, seed, config.TiedHead ? head : 1);
        for (var layer = 0; layer < config.Layers; layer++)
        {
            foreach (var tensor in Layer(config, layer, seed))
            {
                yield return tensor;
            }
        }

        yield return Norm("model.norm", "output_norm", hidden, seed);
        if (!config.TiedHead)
        {
            yield return Matrix("lm_head", "output", config.VocabularySize, hidden, seed, head);
        }
    }

    /// <param name="type">Rows must be whole runs of it.</param>
    /// <param name="headDim">
    /// Elements of a head: its rows (i, i + dim / 2) are made neighbours, as GGUF llama files have them. null: as they are.
    /// </param>
    public StreamedBytes Encode(DType type, int? headDim)
    {
        var rowBytes = (int)type.RowBytes(Columns);
        return new StreamedBytes(Rows * rowBytes, stream =>
        {
            var rows = Math.Max(1, ElementsAtATime / Columns);
            var bytes = new byte[rows * rowBytes];
            for (var first = 0L; first < Rows; first += rows)
            {
                var count = (int)Math.Min(rows, Rows - first);
                Parallel.For(0, count, () => new float[Columns], EncodeRow, _ => { });
                stream.Write(bytes, 0, count * rowBytes);

                float[] EncodeRow(int row, ParallelLoopState loop, float[] values)
                {
                    Draw(first + row, values, headDim);
                    WeightEncoding.Encode(values, type, bytes.AsSpan(row * rowBytes, rowBytes));
                    return values;
                }
            }
        });
    }

    private void Draw(long row, Span<float> values, int? headDim)
    {
        if (Rotated && headDim is { } dim)
        {
            var (head, element) = Math.DivRem(row, dim);
            row = (head * dim) + (element / 2) + (element % 2 * (dim / 2));
        }

        var index = (ulong)(row * Columns);
        foreach (ref var value in values)
        {
            value = Value(index++);
        }
    }

    private float Value(ulong index)
    {
        // SplitMix64.
        var z = Key + (index * 0x9E3779B97F4A7C15);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        z ^= z >> 31;
        var sum = (long)(z & 0xFFFF) + (long)((z >> 16) & 0xFFFF) + (long)((z >> 32) & 0xFFFF) + (long)(z >> 48);
        return (float)(Mean + (Deviation * ((sum - SumMean) / SumDeviation)));
    }

    private static IEnumerable<RandomTensor> Layer(DecoderConfig config, int layer, int seed)
    {
        var (from, to) = ($"model.layers.{layer}", $"blk.{layer}");
        var hidden = config.HiddenSize;
        var queries = config.Heads * config.HeadDim;
        var keys = config.KvHeads * config.HeadDim;
        var scale = 1 / Math.Sqrt(hidden);
        yield return Norm($"{from}.input_layernorm", $"{to}.attn_norm", hidden, seed);
        yield return Matrix($"{from}.self_attn.q_proj", $"{to}.attn_q", queries, hidden, seed, 1.5 * scale, rotated: true);
        yield return Matrix($"{from}.self_attn.k_proj", $"{to}.attn_k", keys, hidden, seed, 1.5 * scale, rotated: true);
        yield return Matrix($"{from}.self_attn.v_proj", $"{to}.attn_v", keys, hidden, seed, scale);
        yield return Matrix($"{from}.self_attn.o_proj", $"{to}.attn_output", hidden, queries, seed, 1 / Math.Sqrt(queries));
        yield return Norm($"{from}.post_attention_layernorm", $"{to}.ffn_norm", hidden, seed);
        yield return Matrix($"{from}.mlp.gate_proj", $"{to}.ffn_gate", config.IntermediateSize, hidden, seed, scale);
        yield return Matrix($"{from}.mlp.up_proj", $"{to}.ffn_up", config.IntermediateSize, hidden, seed, scale);
        yield return Matrix(
            $"{from}.mlp.down_proj", $"{to}.ffn_down", hidden, config.IntermediateSize, seed, 1 / Math.Sqrt(config.IntermediateSize));
        if (config.QkNorm)
        {
            yield return Norm($"{from}.self_attn.q_norm", $"{to}.attn_q_norm", config.HeadDim, seed);
            yield return Norm($"{from}.self_attn.k_norm", $"{to}.attn_k_norm", config.HeadDim, seed);
        }
    }

    private static RandomTensor Matrix(
        string name, string ggufName, int rows, int columns, int seed, double deviation, bool rotated = false) =>
        new(name + ".weight", ggufName + ".weight", [rows, columns], 0, deviation, rotated, KeyOf(name, seed));

    private static RandomTensor Norm(string name, string ggufName, int size, int seed) =>
        new(name + ".weight", ggufName + ".weight", [size], 1, 0.2, Rotated: false, KeyOf(name, seed));

    /// <summary>FNV-1a of the name, after the seed.</summary>
    private static ulong KeyOf(string name, int seed) =>
        name.Aggregate(0xCBF29CE484222325 ^ ((ulong)(uint)seed << 32), (hash, letter) => (hash ^ letter) * 0x100000001B3);
}
