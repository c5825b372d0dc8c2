using Crescent.Attention;
using Crescent.Attention.Dense;
using Crescent.Models.Weights;

namespace Crescent.Models;

/// <summary>
/// The decoder, once: Llama and Qwen3 differ in their <see cref="DecoderConfig"/> alone. Owns its weights, the KV pool
/// and activations for <c>maxRows</c> rows; a step allocates nothing. Not safe for concurrent use.
/// </summary>
public sealed class Decoder<T> : IDisposable
    where T : class
{
    private readonly IBackend<T> _backend;
    private readonly DecoderConfig _config;
    private readonly DecoderWeights<T> _weights;
    private readonly Activations<T> _activations;
    private readonly Rotary _rotary;
    private readonly DenseAttention<T> _attention;
    private readonly float[] _rotation;
    private readonly float[] _logits;

    /// <param name="backend">Where it runs.</param>
    /// <param name="file">Stays open as long as the decoder lives: host backends read weights in place.</param>
    /// <param name="layout">Must have the model's layers, KV heads and head dimension.</param>
    /// <param name="blocks">Blocks in the KV pool.</param>
    /// <param name="maxRows">The most rows of a batch.</param>
    /// <param name="maxOutputs">The most output rows of a batch.</param>
    public Decoder(IBackend<T> backend, ModelFile file, KvLayout layout, int blocks, int maxRows, int maxOutputs)
    {
        _backend = backend;
        _config = file.Config;
        Layout = layout;
        _weights = new DecoderWeights<T>(backend, file);
        _activations = new Activations<T>(backend, _config, maxRows, maxOutputs);
        Pool = backend.CreateKvPool(layout, blocks);
        _rotary = new Rotary(_config.InverseFrequencies());
        _attention = new DenseAttention<T>(backend, Pool, _config.HeadDim, _config.RopeInterleaved);
        _rotation = new float[maxRows * _rotary.Columns];
        _logits = new float[maxOutputs * _config.VocabularySize];
    }

    /// <summary>Where it computes.</summary>
    public IBackend<T> Backend => _backend;

    public KvLayout Layout { get; }

    /// <summary>The KV of all sequences.</summary>
    public T Pool { get; }

    public int VocabularySize => _config.VocabularySize;

    /// <summary>Computes a step: writes the KV of all rows and returns logits [output rows, vocabulary], valid until the next call.</summary>
    public Span<float> Forward(Batch batch)
    {
        var a = _activations;
        int rows = batch.Rows;
        var rotation = _rotation.AsSpan(0, rows * _rotary.Columns);
        _rotary.Fill(batch.Attention, rotation);
        _backend.Upload(rotation, a.Rotation);
        _backend.Embed(_weights.TokenEmbedding, batch.Tokens, a.Hidden);
        for (int layer = 0; layer < _weights.Layers.Length; layer++)
        {
            Attend(_weights.Layers[layer], layer, batch.Attention);
            FeedForward(_weights.Layers[layer], rows);
        }

        return Logits(batch.OutputRows);
    }

    public void Dispose()
    {
        _backend.Release(Pool);
        _activations.Release();
        _weights.Release();
    }

    private void Attend(LayerWeights<T> w, int layer, AttentionBatch batch)
    {
        var a = _activations;
        int rows = batch.Rows;
        _backend.RmsNorm(a.Hidden, w.AttentionNorm, _config.RmsNormEpsilon, a.Normed, rows);
        _backend.Linear(a.Normed, w.Q, a.Q, rows, accumulate: false);
        _backend.Linear(a.Normed, w.K, a.K, rows, accumulate: false);
        _backend.Linear(a.Normed, w.V, a.V, rows, accumulate: false);
        if (w is { QNorm: { } qNorm, KNorm: { } kNorm })
        {
            _backend.RmsNorm(a.Q, qNorm, _config.RmsNormEpsilon, a.Q, rows * _config.Heads);
            _backend.RmsNorm(a.K, kNorm, _config.RmsNormEpsilon, a.K, rows * _config.KvHeads);
        }

        _attention.Forward(a.Q, a.K, a.V, a.Rotation, layer, batch, a.Attended);
        _backend.Linear(a.Attended, w.AttentionOutput, a.Hidden, rows, accumulate: true);
    }

    private void FeedForward(LayerWeights<T> w, int rows)
    {
        var a = _activations;
        _backend.RmsNorm(a.Hidden, w.FeedForwardNorm, _config.RmsNormEpsilon, a.Normed, rows);
        _backend.Linear(a.Normed, w.Gate, a.Gate, rows, accumulate: false);
        _backend.Linear(a.Normed, w.Up, a.Up, rows, accumulate: false);
        _backend.SwiGlu(a.Gate, a.Up, a.Gate, rows);
        _backend.Linear(a.Gate, w.Down, a.Hidden, rows, accumulate: true);
    }

    private Span<float> Logits(ReadOnlySpan<int> outputRows)
    {
        var a = _activations;
        if (outputRows.IsEmpty)
        {
            _backend.Wait(_backend.Fence());
            return [];
        }

        _backend.Gather(a.Hidden, outputRows, a.Outputs);
        _backend.RmsNorm(a.Outputs, _weights.OutputNorm, _config.RmsNormEpsilon, a.Outputs, outputRows.Length);
        _backend.Linear(a.Outputs, _weights.Output, a.Logits, outputRows.Length, accumulate: false);
        var logits = _logits.AsSpan(0, outputRows.Length * _config.VocabularySize);
        _backend.Download(a.Logits, logits);
        return logits;
    }
}

/// <summary>The decoder's buffers, each [rows, columns].</summary>
internal sealed class Activations<T>
    where T : class
{
    private readonly IBackend<T> _backend;
    private readonly List<T> _all = [];

    public Activations(IBackend<T> backend, DecoderConfig config, int maxRows, int maxOutputs)
    {
        _backend = backend;
        int queries = config.Heads * config.HeadDim;
        int keys = config.KvHeads * config.HeadDim;
        Hidden = Create(maxRows, config.HiddenSize);
        Normed = Create(maxRows, config.HiddenSize);
        Q = Create(maxRows, queries);
        K = Create(maxRows, keys);
        V = Create(maxRows, keys);
        Attended = queries == config.HiddenSize ? Normed : Create(maxRows, queries);
        Gate = Create(maxRows, config.IntermediateSize);
        Up = Create(maxRows, config.IntermediateSize);
        Rotation = Create(maxRows, config.HeadDim);
        Outputs = Create(maxOutputs, config.HiddenSize);
        Logits = Create(maxOutputs, config.VocabularySize);
    }

    public T Hidden { get; }

    public T Normed { get; }

    public T Q { get; }

    public T K { get; }

    public T V { get; }

    /// <summary>The same as <see cref="Normed"/> where the shapes are: Q, K and V are the last to read that.</summary>
    public T Attended { get; }

    public T Gate { get; }

    public T Up { get; }

    public T Rotation { get; }

    public T Outputs { get; }

    public T Logits { get; }

    public void Release() => _all.ForEach(_backend.Release);

    private T Create(int rows, int columns)
    {
        var activation = _backend.CreateActivation(rows, columns);
        _all.Add(activation);
        return activation;
    }
}
