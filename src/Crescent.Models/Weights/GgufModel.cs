namespace Crescent.Models.Weights;

/// <summary>Reads a GGUF file of a llama or qwen3 decoder.</summary>
internal static class GgufModel
{
    private const string RopeFrequencies = "rope_freqs.weight";

    /// <param name="files">Receives the mapping, also when this throws.</param>
    public static ModelContents Read(string path, List<MappedFile> files)
    {
        var file = MappedFile.Open(path);
        files.Add(file);
        var gguf = new GgufReader(file);
        var metadata = new GgufMetadata(path, gguf.Metadata);
        var eos = new[] { "eos", "eot", "eom" }.Select(kind => metadata.Integer($"tokenizer.ggml.{kind}_token_id"));
        return new ModelContents
        {
            Name = metadata.Text("general.name") ?? Path.GetFileNameWithoutExtension(path),
            MainFile = path,
            Config = ReadConfig(metadata, gguf.Tensors),
            Tensors = gguf.Tensors,
            FileName = name => name + ".weight",
            ChatTemplate = metadata.Text("tokenizer.chat_template"),
            BosToken = metadata.Integer("tokenizer.ggml.bos_token_id"),
            EosTokens = [.. eos.OfType<int>().Distinct().Order()],
            Metadata = gguf.Metadata,
            TokenizerRanges = [.. gguf.Pairs
                .Where(pair => pair.Key.StartsWith("tokenizer.ggml.", StringComparison.Ordinal))
                .OrderBy(pair => pair.Key, StringComparer.Ordinal)
                .Select(pair => pair.Value)],
        };
    }

    private static DecoderConfig ReadConfig(GgufMetadata metadata, IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        var architecture = metadata.Text("general.architecture")
            ?? throw new ModelFormatException(metadata.File, "'general.architecture' is missing");
        if (architecture is not (Architectures.Llama or Architectures.Qwen3))
        {
            throw Architectures.Unsupported(metadata.File, architecture);
        }

        RefuseUnsupported(metadata, architecture);
        var hidden = metadata.PositiveInteger($"{architecture}.embedding_length");
        var heads = metadata.PositiveInteger($"{architecture}.attention.head_count");
        var config = new DecoderConfig
        {
            Architecture = architecture,
            VocabularySize = ReadVocabularySize(metadata, tensors),
            HiddenSize = hidden,
            IntermediateSize = metadata.PositiveInteger($"{architecture}.feed_forward_length"),
            Layers = metadata.PositiveInteger($"{architecture}.block_count"),
            Heads = heads,
            KvHeads = metadata.PositiveInteger($"{architecture}.attention.head_count_kv", heads),
            HeadDim = ReadHeadDim(metadata, architecture, hidden, heads),
            ContextLength = metadata.PositiveInteger($"{architecture}.context_length"),
            RmsNormEpsilon = (float)metadata.PositiveNumber($"{architecture}.attention.layer_norm_rms_epsilon"),
            RopeTheta = metadata.PositiveNumber($"{architecture}.rope.freq_base", 10_000),
            RopeInterleaved = architecture == Architectures.Llama,
            QkNorm = architecture == Architectures.Qwen3,
            TiedHead = !tensors.ContainsKey(TensorNames.Output + ".weight"),
        };
        return tensors.TryGetValue(RopeFrequencies, out var divisors)
            ? config with { RopeDivisors = ReadDivisors(divisors, config.HeadDim / 2) } : config;
    }

    private static void RefuseUnsupported(GgufMetadata metadata, string architecture)
    {
        if (metadata.Text($"{architecture}.rope.scaling.type") is { } type && type != "none")
        {
            throw new ModelFormatException(
                metadata.File, $"rope type '{type}' is not supported (none is, also with {RopeFrequencies})");
        }

        if (metadata.PositiveNumber($"{architecture}.rope.scale_linear", 1) is var scale && scale != 1)
        {
            throw new ModelFormatException(metadata.File, $"rope type 'linear' is not supported (rope.scale_linear is {scale})");
        }

        if (metadata.Integer($"{architecture}.expert_count") is { } experts and > 0)
        {
            throw new ModelFormatException(metadata.File, $"a mixture of {experts} experts is not supported");
        }
    }

    private static int ReadHeadDim(GgufMetadata metadata, string architecture, int hidden, int heads)
    {
        if (metadata.Integer($"{architecture}.attention.key_length") is null && hidden % heads != 0)
        {
            throw new ModelFormatException(
                metadata.File, $"{architecture}.embedding_length {hidden} is not a multiple of {heads} heads, and there is no key_length");
        }

        var dim = metadata.PositiveInteger($"{architecture}.attention.key_length", hidden / heads);
        foreach (var name in (ReadOnlySpan<string>)["attention.value_length", "rope.dimension_count"])
        {
            var other = metadata.PositiveInteger($"{architecture}.{name}", dim);
            if (other != dim)
            {
                throw new ModelFormatException(
                    metadata.File, $"'{architecture}.{name}' {other} other than the head dimension {dim} is not supported");
            }
        }

        return dim;
    }

    /// <summary>The embedding's rows: the tokenizer may know fewer tokens, never more.</summary>
    private static int ReadVocabularySize(GgufMetadata metadata, IReadOnlyDictionary<string, StoredTensor> tensors)
    {
        const string Name = TensorNames.TokenEmbedding + ".weight";
        if (!tensors.TryGetValue(Name, out var embedding))
        {
            throw new ModelFormatException(metadata.File, $"tensor '{Name}' is missing");
        }

        if (embedding.Shape is not [> 0 and <= int.MaxValue and var rows, _])
        {
            throw new ModelFormatException(
                metadata.File,
                $"tensor '{Name}' has the shape {StoredTensor.Describe(embedding.Shape)} where [vocabulary, hidden] is wanted");
        }

        if (metadata.Strings("tokenizer.ggml.tokens") is { } tokens && tokens.Length > rows)
        {
            throw new ModelFormatException(
                metadata.File, $"the tokenizer has {tokens.Length} tokens and tensor '{Name}' {rows} rows");
        }

        return (int)rows;
    }

    private static float[] ReadDivisors(StoredTensor tensor, int count)
    {
        if (tensor.Type != DType.F32)
        {
            throw new ModelFormatException(
                tensor.File.Path, $"tensor '{tensor.Name}' has the unsupported dtype {tensor.TypeName}");
        }

        if (tensor.Shape is not [var length] || length != count)
        {
            throw new ModelFormatException(
                tensor.File.Path,
                $"tensor '{tensor.Name}' has the shape {StoredTensor.Describe(tensor.Shape)} where the configuration wants [{count}]");
        }

        var values = System.Runtime.InteropServices.MemoryMarshal
            .Cast<byte, float>(tensor.File.Span(tensor.Offset, count * sizeof(float))).ToArray();
        return Array.TrueForAll(values, value => float.IsFinite(value) && value > 0) ? values
            : throw new ModelFormatException(tensor.File.Path, $"tensor '{tensor.Name}' has a value that is not a positive number");
    }
}
