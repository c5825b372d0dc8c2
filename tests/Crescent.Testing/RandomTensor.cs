using Crescent.Models;

namespace Crescent.Testing;

/// <summary>A tensor of a <see cref="RandomModel"/>, in the layout of Hugging Face.</summary>
/// <param name="Rotated">Whether rows are the elements of heads that are rotated.</param>
internal sealed record RandomTensor(string HuggingFaceName, string GgufName, long[] Shape, float[] Values, bool Rotated)
{
    public static IEnumerable<RandomTensor> All(DecoderConfig config, int seed)
    {
        var hidden = config.HiddenSize;
        yield return Matrix("model.embed_tokens", "token_embd", config.VocabularySize, hidden, seed, 1);
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
            yield return Matrix("lm_head", "output", config.VocabularySize, hidden, seed, 2 / Math.Sqrt(hidden));
        }
    }

    /// <summary>The values with rows (i, i + dim / 2) of each head made neighbours, as GGUF llama files have them.</summary>
    public float[] Interleaved(int headDim)
    {
        if (!Rotated)
        {
            return Values;
        }

        var columns = (int)Shape[1];
        var result = new float[Values.Length];
        for (var row = 0; row < Shape[0]; row++)
        {
            var (head, element) = Math.DivRem(row, headDim);
            var (half, pair) = Math.DivRem(element, headDim / 2);
            var target = (head * headDim) + (2 * pair) + half;
            Values.AsSpan(row * columns, columns).CopyTo(result.AsSpan(target * columns));
        }

        return result;
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
        new(name + ".weight", ggufName + ".weight", [rows, columns], Draw(name, rows * columns, seed, 0, deviation), rotated);

    private static RandomTensor Norm(string name, string ggufName, int size, int seed) =>
        new(name + ".weight", ggufName + ".weight", [size], Draw(name, size, seed, 1, 0.2), false);

    /// <summary>Normally distributed; depends on the seed and the tensor's name alone.</summary>
    private static float[] Draw(string name, int count, int seed, double mean, double deviation)
    {
        var state = name.Aggregate((uint)seed * 2654435761u, (hash, letter) => (hash ^ letter) * 16777619u);
        var random = new Random((int)state);
        var values = new float[count];
        for (var i = 0; i < count; i++)
        {
            var radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            values[i] = (float)(mean + (deviation * radius * Math.Cos(2 * Math.PI * random.NextDouble())));
        }

        return values;
    }
}
