namespace Crescent.Models.Weights;

/// <summary>Reads a model folder as Hugging Face transformers writes it.</summary>
internal static class HuggingFaceFolder
{
    /// <param name="files">Receives the mappings, also when this throws.</param>
    public static ModelContents Read(string folder, List<MappedFile> files)
    {
        var configPath = Path.Combine(folder, "config.json");
        using var config = JsonFile.Open(configPath);
        using var generation = JsonFile.OpenIfExists(Path.Combine(folder, "generation_config.json"));
        var parsed = HuggingFaceConfig.Read(config.Root);
        var tensors = ReadTensors(folder, files);
        var tied = config.Root.Optional("tie_word_embeddings")?.Flag() ?? !tensors.ContainsKey(ToFileName(TensorNames.Output));
        var tokenizer = Path.Combine(folder, "tokenizer.json");
        return new ModelContents
        {
            Name = Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))),
            MainFile = configPath,
            Config = parsed with { TiedHead = tied },
            Tensors = tensors,
            FileName = ToFileName,
            ChatTemplate = ReadChatTemplate(folder),
            BosToken = Tokens("bos_token_id", generation?.Root, config.Root).Cast<int?>().FirstOrDefault(),
            EosTokens = [.. Tokens("eos_token_id", generation?.Root, config.Root).Distinct().Order()],
            DefaultSampling = generation is null ? new SamplingParameters() : ReadSampling(generation.Root),
            TokenizerJsonPath = File.Exists(tokenizer) ? tokenizer : null,
        };
    }

    private static Dictionary<string, StoredTensor> ReadTensors(string folder, List<MappedFile> files)
    {
        var single = Path.Combine(folder, "model.safetensors");
        var indexPath = Path.Combine(folder, "model.safetensors.index.json");
        if (File.Exists(single) || !File.Exists(indexPath))
        {
            return ReadFile(single, files);
        }

        using var index = JsonFile.Open(indexPath);
        var shards = new Dictionary<string, Dictionary<string, StoredTensor>>();
        var tensors = new Dictionary<string, StoredTensor>();
        foreach (var (name, value) in index.Root.Required("weight_map").Fields())
        {
            var shard = value.Text();
            if (!shard.EndsWith(".safetensors", StringComparison.Ordinal) || shard.AsSpan().ContainsAny('/', '\\', '\0'))
            {
                throw new ModelFormatException(indexPath, $"tensor '{name}' is in '{shard}', which is not a safetensors file of the folder");
            }

            if (!shards.TryGetValue(shard, out var contents))
            {
                shards.Add(shard, contents = ReadFile(Path.Combine(folder, shard), files));
            }

            if (!contents.TryGetValue(name, out var tensor))
            {
                throw new ModelFormatException(Path.Combine(folder, shard), $"tensor '{name}' is missing, which the index places there");
            }

            if (!tensors.TryAdd(name, tensor))
            {
                throw new ModelFormatException(indexPath, $"tensor '{name}' is there twice");
            }
        }

        return tensors;
    }

    private static Dictionary<string, StoredTensor> ReadFile(string path, List<MappedFile> files)
    {
        var file = MappedFile.Open(path);
        files.Add(file);
        return SafetensorsReader.Read(file);
    }

    private static string ToFileName(string name)
    {
        if (!name.StartsWith("blk.", StringComparison.Ordinal))
        {
            return name switch
            {
                TensorNames.TokenEmbedding => "model.embed_tokens.weight",
                TensorNames.Output => "lm_head.weight",
                TensorNames.OutputNorm => "model.norm.weight",
                _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
            };
        }

        var parts = name.Split('.');
        var part = parts[2] switch
        {
            "attn_norm" => "input_layernorm",
            "attn_q" => "self_attn.q_proj",
            "attn_k" => "self_attn.k_proj",
            "attn_v" => "self_attn.v_proj",
            "attn_q_norm" => "self_attn.q_norm",
            "attn_k_norm" => "self_attn.k_norm",
            "attn_output" => "self_attn.o_proj",
            "ffn_norm" => "post_attention_layernorm",
            "ffn_gate" => "mlp.gate_proj",
            "ffn_up" => "mlp.up_proj",
            "ffn_down" => "mlp.down_proj",
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };
        return $"model.layers.{parts[1]}.{part}.weight";
    }

    /// <summary>A token id or a list of them, from every file that has the field.</summary>
    private static IEnumerable<int> Tokens(string name, params JsonField?[] roots)
    {
        foreach (var root in roots)
        {
            if (root?.Optional(name) is not { } field)
            {
                continue;
            }

            if (field.Element.ValueKind != System.Text.Json.JsonValueKind.Array)
            {
                yield return field.Integer();
                continue;
            }

            foreach (var item in field.Items())
            {
                yield return item.Integer();
            }
        }
    }

    /// <summary>chat_template.jinja, or tokenizer_config.json's chat_template: a string, or the one named "default" of a list.</summary>
    private static string? ReadChatTemplate(string folder)
    {
        var separate = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(separate))
        {
            return System.Text.Encoding.UTF8.GetString(ModelFiles.ReadAll(separate));
        }

        using var config = JsonFile.OpenIfExists(Path.Combine(folder, "tokenizer_config.json"));
        if (config?.Root.Optional("chat_template") is not { } template)
        {
            return null;
        }

        if (template.Element.ValueKind != System.Text.Json.JsonValueKind.Array)
        {
            return template.Text();
        }

        foreach (var item in template.Items())
        {
            if (item.Required("name").Text() == "default")
            {
                return item.Required("template").Text();
            }
        }

        return null;
    }

    private static SamplingParameters ReadSampling(JsonField root)
    {
        var defaults = new SamplingParameters();
        if (root.Optional("do_sample")?.Flag() == false)
        {
            return defaults;
        }

        return defaults with
        {
            Temperature = InRange(root, "temperature", 0, float.MaxValue) ?? defaults.Temperature,
            TopP = InRange(root, "top_p", float.Epsilon, 1) ?? defaults.TopP,
            MinP = InRange(root, "min_p", 0, 1) ?? defaults.MinP,
            RepetitionPenalty = InRange(root, "repetition_penalty", float.Epsilon, float.MaxValue) ?? defaults.RepetitionPenalty,
            // 0 and -1 both mean that nothing is cut.
            TopK = root.Optional("top_k")?.Integer() is not { } topK ? defaults.TopK
                : topK >= -1 ? Math.Max(topK, 0) : throw root.Required("top_k").Wrong("-1 or more"),
        };
    }

    private static float? InRange(JsonField root, string name, float minimum, float maximum)
    {
        if (root.Optional(name) is not { } field)
        {
            return null;
        }

        var value = (float)field.Number();
        return value >= minimum && value <= maximum ? value : throw field.Wrong($"from {minimum} to {maximum}");
    }
}
