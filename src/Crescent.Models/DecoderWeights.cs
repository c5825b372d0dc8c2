using Crescent.Models.Weights;

namespace Crescent.Models;

/// <summary>The weights of one decoder layer on a backend; the norms of q and k are null where the architecture has none.</summary>
internal sealed record LayerWeights<T>(
    T AttentionNorm, T Q, T K, T V, T? QNorm, T? KNorm, T AttentionOutput, T FeedForwardNorm, T Gate, T Up, T Down)
    where T : class;

/// <summary>A model file's weights on a backend.</summary>
internal sealed class DecoderWeights<T>
    where T : class
{
    private readonly IBackend<T> _backend;
    private readonly ModelFile _file;
    private readonly List<T> _all = [];

    public DecoderWeights(IBackend<T> backend, ModelFile file)
    {
        _backend = backend;
        _file = file;
        var config = file.Config;
        TokenEmbedding = Load(TensorNames.TokenEmbedding);
        OutputNorm = Load(TensorNames.OutputNorm);
        Output = config.TiedHead ? TokenEmbedding : Load(TensorNames.Output);
        Layers = [.. Enumerable.Range(0, config.Layers).Select(layer => LoadLayer(layer, config.QkNorm))];
    }

    public T TokenEmbedding { get; }

    public T OutputNorm { get; }

    public T Output { get; }

    public LayerWeights<T>[] Layers { get; }

    public void Release() => _all.ForEach(_backend.Release);

    private LayerWeights<T> LoadLayer(int layer, bool qkNorm) => new(
        AttentionNorm: Load(TensorNames.AttentionNorm(layer)),
        Q: Load(TensorNames.AttentionQ(layer)),
        K: Load(TensorNames.AttentionK(layer)),
        V: Load(TensorNames.AttentionV(layer)),
        QNorm: qkNorm ? Load(TensorNames.AttentionQNorm(layer)) : null,
        KNorm: qkNorm ? Load(TensorNames.AttentionKNorm(layer)) : null,
        AttentionOutput: Load(TensorNames.AttentionOutput(layer)),
        FeedForwardNorm: Load(TensorNames.FeedForwardNorm(layer)),
        Gate: Load(TensorNames.FeedForwardGate(layer)),
        Up: Load(TensorNames.FeedForwardUp(layer)),
        Down: Load(TensorNames.FeedForwardDown(layer)));

    private T Load(string name)
    {
        var weight = _backend.LoadWeight(_file.GetMatrix(name));
        _all.Add(weight);
        return weight;
    }
}
