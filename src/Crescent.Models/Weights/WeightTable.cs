namespace Crescent.Models.Weights;

/// <summary>The weights a decoder needs, found in a file and checked: name, dtype and shape.</summary>
internal sealed class WeightTable
{
    private readonly Dictionary<string, WeightSource> _weights = [];
    private readonly ModelContents _contents;

    /// <exception cref="ModelFormatException">One is missing, mis-shaped or of an unsupported dtype.</exception>
    public WeightTable(ModelContents contents)
    {
        _contents = contents;
        var config = contents.Config;
        AddMatrix(TensorNames.TokenEmbedding, config.VocabularySize, config.HiddenSize);
        AddVector(TensorNames.OutputNorm, config.HiddenSize);
        if (!config.TiedHead)
        {
            AddMatrix(TensorNames.Output, config.VocabularySize, config.HiddenSize);
        }

        for (var layer = 0; layer < config.Layers; layer++)
        {
            AddLayer(layer, config);
        }

        Bytes = _weights.Values.Sum(weight => weight.Bytes);
        if (config.TiedHead)
        {
            _weights.Add(TensorNames.Output, _weights[TensorNames.TokenEmbedding] with { Name = TensorNames.Output });
        }
    }

    /// <summary>A tied head counts once.</summary>
    public long Bytes { get; }

    public IReadOnlyDictionary<string, WeightSource> Weights => _weights;

    private void AddLayer(int layer, DecoderConfig config)
    {
        var queries = config.Heads * config.HeadDim;
        var keys = config.KvHeads * config.HeadDim;
        AddVector(TensorNames.AttentionNorm(layer), config.HiddenSize);
        AddMatrix(TensorNames.AttentionQ(layer), queries, config.HiddenSize);
        AddMatrix(TensorNames.AttentionK(layer), keys, config.HiddenSize);
        AddMatrix(TensorNames.AttentionV(layer), keys, config.HiddenSize);
        AddMatrix(TensorNames.AttentionOutput(layer), config.HiddenSize, queries);
        AddVector(TensorNames.FeedForwardNorm(layer), config.HiddenSize);
        AddMatrix(TensorNames.FeedForwardGate(layer), config.IntermediateSize, config.HiddenSize);
        AddMatrix(TensorNames.FeedForwardUp(layer), config.IntermediateSize, config.HiddenSize);
        AddMatrix(TensorNames.FeedForwardDown(layer), config.HiddenSize, config.IntermediateSize);
        if (config.QkNorm)
        {
            AddVector(TensorNames.AttentionQNorm(layer), config.HeadDim);
            AddVector(TensorNames.AttentionKNorm(layer), config.HeadDim);
        }
    }

    private void AddMatrix(string name, int rows, int columns) => Add(name, rows, columns, [rows, columns]);

    private void AddVector(string name, int columns) => Add(name, 1, columns, [columns]);

    private void Add(string name, int rows, int columns, ReadOnlySpan<long> shape)
    {
        var fileName = _contents.FileName(name);
        if (!_contents.Tensors.TryGetValue(fileName, out var tensor))
        {
            throw new ModelFormatException(_contents.MainFile, $"tensor '{fileName}' is missing");
        }

        if (!tensor.Shape.AsSpan().SequenceEqual(shape))
        {
            throw new ModelFormatException(
                tensor.File.Path,
                $"tensor '{fileName}' has the shape {StoredTensor.Describe(tensor.Shape)} where the configuration wants {StoredTensor.Describe(shape)}");
        }

        if (tensor.Type is not { } type || (shape.Length == 1 && type.RunLength() > 1))
        {
            throw new ModelFormatException(
                tensor.File.Path, $"tensor '{fileName}' has the unsupported dtype {tensor.TypeName}");
        }

        var source = new WeightSource(name, type, rows, columns, 0);
        _weights.Add(name, source with { Data = tensor.File.Address(tensor.Offset, source.Bytes) });
    }
}
