using Crescent.Models;

namespace Crescent.Evaluation.Measures;

/// <summary>A decoder with room for one text, which is computed in chunks.</summary>
internal sealed class TextRun<T> : IDisposable
    where T : class
{
    /// <summary>Rows of a chunk.</summary>
    public const int MaxRows = 256;

    private const int BlockSize = 64;

    /// <summary>Logits of a step at most, whatever the vocabulary: 16 MB.</summary>
    private const int MaxLogits = 1 << 22;

    private readonly Decoder<T> _decoder;
    private readonly BlockId[] _blocks;
    private readonly Batch _batch = new();
    private readonly CancellationToken _cancellation;

    /// <param name="backend">The input's, or one that stands before it.</param>
    /// <param name="positions">The longest text.</param>
    public TextRun(IBackend<T> backend, MeasureInput<T> input, MeasuredSetup setup, int positions)
    {
        var config = input.File.Config;
        Layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, BlockSize, setup.KvType);
        MaxOutputs = Math.Clamp(MaxLogits / config.VocabularySize, 1, MaxRows);
        _blocks = [.. Enumerable.Range(0, (positions + BlockSize - 1) / BlockSize).Select(i => new BlockId(i))];
        _decoder = new Decoder<T>(backend, input.File, Layout, _blocks.Length, MaxRows, MaxOutputs);
        _cancellation = input.Cancellation;
    }

    public KvLayout Layout { get; }

    /// <summary>The most tokens of a <see cref="AppendForLogits"/>.</summary>
    public int MaxOutputs { get; }

    /// <summary>Tokens of the text so far.</summary>
    public int Position { get; private set; }

    /// <summary>Begins another text.</summary>
    public void Restart() => Position = 0;

    public void Append(ReadOnlySpan<int> tokens)
    {
        for (; tokens.Length > 0; tokens = tokens[Math.Min(MaxRows, tokens.Length)..])
        {
            Forward(tokens[..Math.Min(MaxRows, tokens.Length)], outputs: 0);
        }
    }

    /// <summary>Returns logits [tokens, vocabulary] after each of these, valid until the next call.</summary>
    /// <param name="tokens">At most <see cref="MaxOutputs"/>.</param>
    public ReadOnlySpan<float> AppendForLogits(ReadOnlySpan<int> tokens) => Forward(tokens, tokens.Length);

    public void Dispose() => _decoder.Dispose();

    private Span<float> Forward(ReadOnlySpan<int> tokens, int outputs)
    {
        _cancellation.ThrowIfCancellationRequested();
        _batch.Clear();
        _batch.Add(tokens, Position, _blocks, outputs);
        Position += tokens.Length;
        return _decoder.Forward(_batch);
    }
}
