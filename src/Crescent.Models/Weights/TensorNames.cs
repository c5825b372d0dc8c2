namespace Crescent.Models.Weights;

/// <summary>The names by which <see cref="ModelFile.GetMatrix"/> knows the weights, whatever the file calls them.</summary>
public static class TensorNames
{
    /// <summary>[vocabulary, hidden].</summary>
    public const string TokenEmbedding = "token_embd";

    /// <summary>[vocabulary, hidden]; the token embedding when the head is tied.</summary>
    public const string Output = "output";

    /// <summary>[1, hidden].</summary>
    public const string OutputNorm = "output_norm";

    /// <summary>[1, hidden].</summary>
    public static string AttentionNorm(int layer) => $"blk.{layer}.attn_norm";

    /// <summary>[heads · dim, hidden].</summary>
    public static string AttentionQ(int layer) => $"blk.{layer}.attn_q";

    /// <summary>[KV heads · dim, hidden].</summary>
    public static string AttentionK(int layer) => $"blk.{layer}.attn_k";

    /// <summary>[KV heads · dim, hidden].</summary>
    public static string AttentionV(int layer) => $"blk.{layer}.attn_v";

    /// <summary>[1, dim]; only with <see cref="DecoderConfig.QkNorm"/>.</summary>
    public static string AttentionQNorm(int layer) => $"blk.{layer}.attn_q_norm";

    /// <summary>[1, dim]; only with <see cref="DecoderConfig.QkNorm"/>.</summary>
    public static string AttentionKNorm(int layer) => $"blk.{layer}.attn_k_norm";

    /// <summary>[hidden, heads · dim].</summary>
    public static string AttentionOutput(int layer) => $"blk.{layer}.attn_output";

    /// <summary>[1, hidden].</summary>
    public static string FeedForwardNorm(int layer) => $"blk.{layer}.ffn_norm";

    /// <summary>[intermediate, hidden].</summary>
    public static string FeedForwardGate(int layer) => $"blk.{layer}.ffn_gate";

    /// <summary>[intermediate, hidden].</summary>
    public static string FeedForwardUp(int layer) => $"blk.{layer}.ffn_up";

    /// <summary>[hidden, intermediate].</summary>
    public static string FeedForwardDown(int layer) => $"blk.{layer}.ffn_down";
}
