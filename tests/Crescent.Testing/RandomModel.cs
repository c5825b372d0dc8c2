using System.Text.Json.Nodes;
using Crescent.Models;

namespace Crescent.Testing;

public enum ModelFormat
{
    /// <summary>A Hugging Face folder.</summary>
    Folder,

    Gguf,
}

/// <summary>
/// Whole models of random weights, of any shape. A (config, seed) is one model: its folder and its GGUF file compute
/// the same function, up to the rounding of the dtype. Weights are scaled so that attention is neither flat nor
/// saturated and the logits spread over a few units.
/// </summary>
public static class RandomModel
{
    /// <summary>A small shape where no two dimensions are the same and heads are grouped; edit it with <c>with</c>.</summary>
    public static DecoderConfig Config(string architecture = "llama") => new()
    {
        Architecture = architecture,
        VocabularySize = 160,
        HiddenSize = 64,
        IntermediateSize = 128,
        Layers = 3,
        Heads = 6,
        KvHeads = 2,
        HeadDim = 16,
        ContextLength = 512,
        RmsNormEpsilon = 1e-5f,
        QkNorm = architecture == "qwen3",
    };

    /// <summary>Writes a model that <see cref="Models.Weights.ModelFile.Open"/> opens.</summary>
    /// <param name="config">
    /// RopeInterleaved follows from the format and is not looked at; llama3 scaling becomes rope_freqs.weight in GGUF.
    /// </param>
    /// <param name="path">The folder, or the .gguf file.</param>
    /// <param name="type">Of matrices. Q8_0 and Q4_K are for GGUF only; matrices whose rows are not whole runs are F16 then.</param>
    public static void Write(
        DecoderConfig config, int seed, string path, ModelFormat format = ModelFormat.Folder, DType type = DType.F32)
    {
        if (format == ModelFormat.Folder)
        {
            Folder(config, seed, type).Write(path);
        }
        else
        {
            File.WriteAllBytes(path, Gguf(config, seed, type).ToBytes());
        }
    }

    /// <summary>The folder <see cref="Write"/> writes, to be edited first.</summary>
    public static FolderWriter Folder(DecoderConfig config, int seed, DType type = DType.F32)
    {
        var folder = StreamedFolder(config, seed, type);
        folder.Tensors.ReplaceAll(tensor => tensor with { Data = tensor.Bytes.ToArray(), Streamed = null });
        return folder;
    }

    /// <summary>The same folder for a model that does not fit in memory: its tensors are made while they are written.</summary>
    public static FolderWriter StreamedFolder(DecoderConfig config, int seed, DType type)
    {
        if (type.RunLength() > 1)
        {
            throw new ArgumentException($"safetensors has no {type}", nameof(type));
        }

        var folder = new FolderWriter { Config = ToJson(config) };
        folder.Tensors.AddRange(RandomTensor.All(config, seed).Select(tensor =>
            new SafetensorsTensor(tensor.HuggingFaceName, type.ToString(), tensor.Shape, []) { Streamed = tensor.Encode(type, headDim: null) }));
        return folder;
    }

    /// <summary>The GGUF file <see cref="Write"/> writes, to be edited first.</summary>
    public static GgufWriter Gguf(DecoderConfig config, int seed, DType type = DType.F32)
    {
        var file = StreamedGguf(config, seed, type);
        file.Tensors.ReplaceAll(tensor => tensor with { Data = tensor.Bytes.ToArray(), Streamed = null });
        return file;
    }

    /// <summary>The same file for a model that does not fit in memory: its tensors are made while they are written.</summary>
    public static GgufWriter StreamedGguf(DecoderConfig config, int seed, DType type)
    {
        var file = new GgufWriter();
        SetMetadata(file, config);
        file["general.file_type"] = Gguf(type).File;
        foreach (var tensor in RandomTensor.All(config, seed))
        {
            var stored = tensor.Shape.Length == 1 ? DType.F32 : tensor.Columns % type.RunLength() != 0 ? DType.F16 : type;
            var bytes = tensor.Encode(stored, config.Architecture == "llama" ? config.HeadDim : null);
            file.Tensors.Add(new(tensor.GgufName, Gguf(stored).Tensor, tensor.Shape, []) { Streamed = bytes });
        }

        if (config.RopeScaling is not null)
        {
            var plain = (config with { RopeScaling = null }).InverseFrequencies();
            var divisors = config.InverseFrequencies().Select((scaled, i) => (float)(plain[i] / scaled)).ToArray();
            file.Tensors.Add(new("rope_freqs.weight", 0, [divisors.Length], WeightEncoding.Encode(divisors, DType.F32)));
        }

        return file;
    }

    /// <summary>The numbers of a tensor's type, and of the file type (general.file_type) of files that are mostly of it.</summary>
    private static (uint Tensor, uint File) Gguf(DType type) => type switch
    {
        DType.F32 => (0, 0),
        DType.F16 => (1, 1),
        DType.Q8_0 => (8, 7),
        DType.Q4_K => (12, 14),
        DType.BF16 => (30, 32),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, null),
    };

    private static void ReplaceAll<T>(this List<T> items, Func<T, T> replace)
    {
        for (var i = 0; i < items.Count; i++)
        {
            items[i] = replace(items[i]);
        }
    }

    /// <summary>config.json.</summary>
    internal static JsonObject ToJson(DecoderConfig config)
    {
        var json = new JsonObject
        {
            ["architectures"] = new JsonArray(config.Architecture == "qwen3" ? "Qwen3ForCausalLM" : "LlamaForCausalLM"),
            ["model_type"] = config.Architecture,
            ["vocab_size"] = config.VocabularySize,
            ["hidden_size"] = config.HiddenSize,
            ["intermediate_size"] = config.IntermediateSize,
            ["num_hidden_layers"] = config.Layers,
            ["num_attention_heads"] = config.Heads,
            ["num_key_value_heads"] = config.KvHeads,
            ["head_dim"] = config.HeadDim,
            ["max_position_embeddings"] = config.ContextLength,
            ["rms_norm_eps"] = config.RmsNormEpsilon,
            ["rope_theta"] = config.RopeTheta,
            ["hidden_act"] = "silu",
            ["attention_bias"] = false,
            ["tie_word_embeddings"] = config.TiedHead,
            ["bos_token_id"] = 1,
            ["eos_token_id"] = 2,
        };
        if (config.RopeScaling is { } scaling)
        {
            json["rope_scaling"] = new JsonObject
            {
                ["rope_type"] = "llama3",
                ["factor"] = scaling.Factor,
                ["low_freq_factor"] = scaling.LowFrequencyFactor,
                ["high_freq_factor"] = scaling.HighFrequencyFactor,
                ["original_max_position_embeddings"] = scaling.OriginalContextLength,
            };
        }

        return json;
    }

    private static void SetMetadata(GgufWriter file, DecoderConfig config)
    {
        var prefix = config.Architecture;
        file["general.architecture"] = config.Architecture;
        file["general.name"] = "random";
        file[$"{prefix}.context_length"] = (uint)config.ContextLength;
        file[$"{prefix}.embedding_length"] = (uint)config.HiddenSize;
        file[$"{prefix}.block_count"] = (uint)config.Layers;
        file[$"{prefix}.feed_forward_length"] = (uint)config.IntermediateSize;
        file[$"{prefix}.attention.head_count"] = (uint)config.Heads;
        file[$"{prefix}.attention.head_count_kv"] = (uint)config.KvHeads;
        file[$"{prefix}.attention.key_length"] = (uint)config.HeadDim;
        file[$"{prefix}.attention.value_length"] = (uint)config.HeadDim;
        file[$"{prefix}.attention.layer_norm_rms_epsilon"] = config.RmsNormEpsilon;
        file[$"{prefix}.rope.freq_base"] = (float)config.RopeTheta;
        file["tokenizer.ggml.bos_token_id"] = 1u;
        file["tokenizer.ggml.eos_token_id"] = 2u;
    }
}
