namespace Crescent.Models.Weights;

/// <summary>Reads config.json of LlamaForCausalLM and Qwen3ForCausalLM; defaults are those of transformers.</summary>
internal static class HuggingFaceConfig
{
    private const int Qwen3HeadDim = 128;
    private const double DefaultEpsilon = 1e-6;
    private const double DefaultTheta = 10_000;

    /// <summary>Everything but <see cref="DecoderConfig.TiedHead"/>, which the tensors may decide.</summary>
    public static DecoderConfig Read(JsonField root)
    {
        var architecture = ReadArchitecture(root);
        RefuseUnsupported(root);
        var hidden = root.Required("hidden_size").PositiveInteger();
        var heads = root.Required("num_attention_heads").PositiveInteger();
        var headDim = root.Optional("head_dim")?.PositiveInteger()
            ?? (architecture == Architectures.Qwen3 ? Qwen3HeadDim
                : hidden % heads == 0 ? hidden / heads
                : throw new ModelFormatException(
                    root.File, $"'hidden_size' {hidden} is not a multiple of 'num_attention_heads' {heads}, and there is no 'head_dim'"));
        return new DecoderConfig
        {
            Architecture = architecture,
            VocabularySize = root.Required("vocab_size").PositiveInteger(),
            HiddenSize = hidden,
            IntermediateSize = root.Required("intermediate_size").PositiveInteger(),
            Layers = root.Required("num_hidden_layers").PositiveInteger(),
            Heads = heads,
            KvHeads = root.Optional("num_key_value_heads")?.PositiveInteger() ?? heads,
            HeadDim = headDim,
            ContextLength = root.Required("max_position_embeddings").PositiveInteger(),
            RmsNormEpsilon = (float)(root.Optional("rms_norm_eps")?.PositiveNumber() ?? DefaultEpsilon),
            RopeTheta = (root.Optional("rope_theta") ?? root.Optional("rope_parameters")?.Optional("rope_theta"))
                ?.PositiveNumber() ?? DefaultTheta,
            RopeScaling = ReadRopeScaling(root),
            QkNorm = architecture == Architectures.Qwen3,
        };
    }

    private static string ReadArchitecture(JsonField root)
    {
        var name = root.Optional("architectures")?.Items().Select(item => item.Text()).FirstOrDefault()
            ?? root.Required("model_type").Text();
        return name switch
        {
            "LlamaForCausalLM" or "llama" => Architectures.Llama,
            "Qwen3ForCausalLM" or "qwen3" => Architectures.Qwen3,
            _ => throw Architectures.Unsupported(root.File, name),
        };
    }

    private static void RefuseUnsupported(JsonField root)
    {
        if (root.Optional("hidden_act")?.Text() is { } activation && activation is not ("silu" or "swish"))
        {
            throw new ModelFormatException(root.File, $"'hidden_act' {activation} is not supported (silu is)");
        }

        foreach (var name in (ReadOnlySpan<string>)["attention_bias", "mlp_bias", "use_sliding_window"])
        {
            if (root.Optional(name)?.Flag() == true)
            {
                throw new ModelFormatException(root.File, $"'{name}' is not supported");
            }
        }

        if (root.Optional("partial_rotary_factor")?.Number() is { } factor && factor != 1)
        {
            throw new ModelFormatException(root.File, $"'partial_rotary_factor' {factor} is not supported (1 is)");
        }

        if (root.Optional("quantization_config") is { } quantization)
        {
            var method = quantization.Optional("quant_method")?.Text() ?? "unnamed";
            throw new ModelFormatException(root.File, $"quantised weights ('quantization_config': {method}) are not supported");
        }
    }

    /// <summary>rope_scaling, or rope_parameters of newer files.</summary>
    private static Llama3RopeScaling? ReadRopeScaling(JsonField root)
    {
        if ((root.Optional("rope_parameters") ?? root.Optional("rope_scaling")) is not { } rope)
        {
            return null;
        }

        var type = (rope.Optional("rope_type") ?? rope.Optional("type"))?.Text() ?? "default";
        if (type == "default")
        {
            return null;
        }

        if (type != "llama3")
        {
            throw new ModelFormatException(root.File, $"rope type '{type}' is not supported (default and llama3 are)");
        }

        var scaling = new Llama3RopeScaling(
            rope.Required("factor").PositiveNumber(),
            rope.Required("low_freq_factor").PositiveNumber(),
            rope.Required("high_freq_factor").PositiveNumber(),
            rope.Required("original_max_position_embeddings").PositiveInteger());
        return scaling.LowFrequencyFactor < scaling.HighFrequencyFactor ? scaling
            : throw rope.Required("low_freq_factor").Wrong("below 'high_freq_factor'");
    }
}
