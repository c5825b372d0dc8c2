using Crescent.Models;

namespace Crescent.Testing;

/// <summary>
/// A Llama model whose weights are written by code and that continues any text exactly: after three tokens it predicts
/// what followed them where they stood before, at any distance up to 1,048,576 positions. See
/// <see cref="ConstructedDocument"/> for texts in which that answers questions.
///
/// A token's code is 16 signs; codes of two tokens have an inner product of 4 at most (16 with itself). The hidden state
/// holds, side by side: the token's own code, the codes of the tokens one, two and three before it, the output, and a constant.
///
/// Layer 0 has a head for each of the distances d = 1, 2, 3. Query and key come from the constant and use the 8 rotary
/// pairs that turn (1 to 2.7e-7 radians per position), the query turned back by d: at distance x the score is
/// 60 · Σ cos((x − d) · frequency), which is largest at x = d. All other distances up to 2^20 together get 8.3e-8 of the
/// softmax. The head copies the code of the token there.
///
/// Layer 1 compares own, first and second previous code of the query with first, second and third previous code of the
/// key, on the 24 pairs that turn by less than 0.034 radians in all. A score is 2.5 · inner product: 120 where all three
/// tokens are the same and 90.2 at most elsewhere (two the same, 4 for the third, and 0.08 for the turning). The margin of 29.8
/// stands against ln 2^20 = 13.9: everything else gets less than 1.2e-7 of the softmax. The head copies the code
/// of the token there to the output, where the head of the model compares it with all codes: the right token's logit
/// is 16, any other's 4 at most.
///
/// Each of the two KV heads carries half of every code, and both halves are needed to tell tokens apart. The three
/// query heads of a group are the three distances in layer 0, and alike in layer 1. Feed-forward weights are zero. The
/// hidden state has one length per layer (but at the first three positions, which lack previous tokens), so that
/// the weight of a norm undoes its division.
/// </summary>
public static class ConstructedModel
{
    public const int VocabularySize = 256;

    /// <summary>The first token of a text: whatever stands before a position is a token that no question has.</summary>
    public const int Bos = 0;

    /// <summary>So many tokens decide the next.</summary>
    public const int ContextTokens = 3;

    /// <summary>Score of a previous-token head per rotary pair.</summary>
    public const double DistanceScore = 60;

    /// <summary>Score of an induction head per unit of the codes' inner product.</summary>
    public const double MatchScore = 2.5;

    /// <summary>Rotary pairs of the previous-token heads; the rest are the induction heads'.</summary>
    public const int TurningPairs = 8;

    public const int CodeLength = 16;

    internal const double Constant = 8;

    /// <summary>Elements of a code that a KV head carries.</summary>
    internal const int CodePart = CodeLength / KvHeads;

    private const int KvHeads = 2;
    private const int Heads = KvHeads * ContextTokens;
    private const int HeadDim = 64;
    private const int Pairs = HeadDim / 2;
    private const int Output = (ContextTokens + 1) * CodeLength;
    private const int ConstantAt = Output + CodeLength;

    /// <summary>
    /// Coefficients of x₀x₁, x₀x₂, x₀x₃, x₁x₂, x₁x₃, x₂x₃, lowest bit first, in 8 quadratic forms of which any two differ by a bent
    /// one (x₀₁x₂₃ + x₀₂x₁₃ + x₀₃x₁₂ = 1).
    /// </summary>
    private static readonly int[] QuadraticForms = [0, 12, 22, 27, 39, 41, 53, 58];

    private static readonly float[][] Codes = [.. Enumerable.Range(0, VocabularySize).Select(MakeCode)];

    public static DecoderConfig Config { get; } = new()
    {
        Architecture = "llama",
        VocabularySize = VocabularySize,
        HiddenSize = 96,
        IntermediateSize = 16,
        Layers = 2,
        Heads = Heads,
        KvHeads = KvHeads,
        HeadDim = HeadDim,
        ContextLength = (1 << 20) + 1024,
        RmsNormEpsilon = 1e-6f,
        RopeTheta = 1e30,
    };

    /// <summary>[<see cref="CodeLength"/>] signs: a word of the Nordstrom-Robinson code.</summary>
    public static ReadOnlySpan<float> Code(int token) => Codes[token];

    /// <summary>Writes the model as a Hugging Face folder of F32 weights, without a tokenizer.</summary>
    /// <param name="folder">Made if missing.</param>
    public static void Write(string folder)
    {
        var json = RandomModel.ToJson(Config);
        json["bos_token_id"] = Bos;
        json.Remove("eos_token_id");
        var model = new FolderWriter { Config = json };
        Add(model, "model.embed_tokens.weight", Embedding());
        for (int layer = 0; layer < Config.Layers; layer++)
        {
            AddLayer(model, layer);
        }

        AddVector(model, "model.norm.weight", (float)Length(codes: ContextTokens + 2));
        Add(model, "lm_head.weight", Head());
        model.Write(folder);
    }

    /// <summary>What a norm divides by: the root of the mean square of a hidden state of the constant and so many codes.</summary>
    /// <param name="codes">A fraction where codes are mixed.</param>
    internal static double Length(double codes) =>
        Math.Sqrt((((Constant * Constant) + (codes * CodeLength)) / Config.HiddenSize) + Config.RmsNormEpsilon);

    /// <summary>The head dimension of an element of the three codes that induction heads compare.</summary>
    internal static int MatchDimension(int element) =>
        element < Pairs - TurningPairs ? TurningPairs + element : (2 * TurningPairs) + element;

    private static void AddLayer(FolderWriter model, int layer)
    {
        var (q, k, v, o) = layer == 0 ? PreviousTokens() : Induction();
        string prefix = $"model.layers.{layer}.";
        AddVector(model, prefix + "input_layernorm.weight", (float)Length(codes: layer == 0 ? 1 : 1 + ContextTokens));
        AddVector(model, prefix + "post_attention_layernorm.weight", 1);
        Add(model, prefix + "self_attn.q_proj.weight", q);
        Add(model, prefix + "self_attn.k_proj.weight", k);
        Add(model, prefix + "self_attn.v_proj.weight", v);
        Add(model, prefix + "self_attn.o_proj.weight", o);
        Add(model, prefix + "mlp.gate_proj.weight", new float[Config.IntermediateSize, Config.HiddenSize]);
        Add(model, prefix + "mlp.up_proj.weight", new float[Config.IntermediateSize, Config.HiddenSize]);
        Add(model, prefix + "mlp.down_proj.weight", new float[Config.HiddenSize, Config.IntermediateSize]);
    }

    /// <summary>Q, K, V and output matrices, [output, input], of layer 0.</summary>
    private static (float[,] Q, float[,] K, float[,] V, float[,] O) PreviousTokens()
    {
        var (q, k, v, o) = Matrices();
        double[] frequencies = Config.InverseFrequencies();
        for (int head = 0; head < Heads; head++)
        {
            var (kvHead, distance) = (head / ContextTokens, (head % ContextTokens) + 1);
            for (int pair = 0; pair < TurningPairs; pair++)
            {
                var (sine, cosine) = Math.SinCos(-distance * frequencies[pair]);
                q[(head * HeadDim) + pair, ConstantAt] = Unscaled(DistanceScore * cosine / Constant);
                q[(head * HeadDim) + Pairs + pair, ConstantAt] = Unscaled(DistanceScore * sine / Constant);
                k[(kvHead * HeadDim) + pair, ConstantAt] = (float)(1 / Constant);
            }

            for (int i = 0; i < CodePart; i++)
            {
                o[(distance * CodeLength) + (kvHead * CodePart) + i, (head * HeadDim) + i] = 1;
            }
        }

        return (q, k, v, o);
    }

    /// <summary>Q, K, V and output matrices, [output, input], of layer 1.</summary>
    private static (float[,] Q, float[,] K, float[,] V, float[,] O) Induction()
    {
        var (q, k, v, o) = Matrices();
        for (int head = 0; head < Heads; head++)
        {
            int kvHead = head / ContextTokens;
            for (int element = 0; element < ContextTokens * CodeLength; element++)
            {
                q[(head * HeadDim) + MatchDimension(element), element] = Unscaled(MatchScore);
                k[(kvHead * HeadDim) + MatchDimension(element), CodeLength + element] = 1;
            }

            for (int i = 0; i < CodePart; i++)
            {
                o[Output + (kvHead * CodePart) + i, (head * HeadDim) + i] = 1f / ContextTokens;
            }
        }

        return (q, k, v, o);
    }

    /// <summary>All zero but V, which gives each KV head its part of the token's own code.</summary>
    private static (float[,] Q, float[,] K, float[,] V, float[,] O) Matrices()
    {
        float[,] v = new float[KvHeads * HeadDim, Config.HiddenSize];
        for (int i = 0; i < CodeLength; i++)
        {
            v[(i / CodePart * HeadDim) + (i % CodePart), i] = 1;
        }

        return (new float[Heads * HeadDim, Config.HiddenSize], new float[KvHeads * HeadDim, Config.HiddenSize], v, new float[Config.HiddenSize, Heads * HeadDim]);
    }

    /// <summary>Attention divides scores by the root of the head dimension.</summary>
    private static float Unscaled(double score) => (float)(score * Math.Sqrt(HeadDim));

    private static float[,] Embedding()
    {
        float[,] table = new float[VocabularySize, Config.HiddenSize];
        for (int token = 0; token < VocabularySize; token++)
        {
            table[token, ConstantAt] = (float)Constant;
            Place(token, table, column: 0);
        }

        return table;
    }

    private static float[,] Head()
    {
        float[,] table = new float[VocabularySize, Config.HiddenSize];
        for (int token = 0; token < VocabularySize; token++)
        {
            Place(token, table, Output);
        }

        return table;
    }

    private static void Place(int token, float[,] table, int column)
    {
        for (int i = 0; i < CodeLength; i++)
        {
            table[token, column + i] = Codes[token][i];
        }
    }

    /// <summary>Bits of the token: a constant, four linear coefficients, and three that choose a quadratic form.</summary>
    private static float[] MakeCode(int token)
    {
        float[] code = new float[CodeLength];
        for (int x = 0; x < CodeLength; x++)
        {
            int products = 0;
            for (int i = 0, term = 0; i < 4; i++)
            {
                for (int j = i + 1; j < 4; j++, term++)
                {
                    products |= (x >> i & x >> j & 1) << term;
                }
            }

            int sum = (token & 1) + int.PopCount(token >> 1 & x) + int.PopCount(QuadraticForms[token >> 5] & products);
            code[x] = sum % 2 == 0 ? 1 : -1;
        }

        return code;
    }

    private static void AddVector(FolderWriter model, string name, float value)
    {
        float[] values = new float[Config.HiddenSize];
        Array.Fill(values, value);
        model.Tensors.Add(new(name, "F32", [values.Length], WeightEncoding.Encode(values, DType.F32)));
    }

    private static void Add(FolderWriter model, string name, float[,] values)
    {
        byte[] bytes = WeightEncoding.Encode([.. values.Cast<float>()], DType.F32);
        model.Tensors.Add(new(name, "F32", [values.GetLength(0), values.GetLength(1)], bytes));
    }
}
