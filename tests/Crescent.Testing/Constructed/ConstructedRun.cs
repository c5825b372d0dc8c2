using System.Numerics.Tensors;
using Crescent.Models;
using Crescent.Models.Weights;

namespace Crescent.Testing;

/// <param name="Tokens">The greedy answer.</param>
/// <param name="LowestLogit">Of the tokens of the answer, each where it was chosen.</param>
/// <param name="HighestOther">The largest logit of any other token there.</param>
public sealed record ConstructedAnswer(int[] Tokens, float LowestLogit, float HighestOther);

/// <summary>A decoder of the <see cref="ConstructedModel"/> with one document and questions behind it.</summary>
public sealed class ConstructedRun<T> : IDisposable
    where T : class
{
    private const int BlockSize = 64;
    private const int Chunk = 256;
    private readonly TemporaryFolder _folder = new();
    private readonly ModelFile _file;
    private readonly IBackend<T> _backend;
    private readonly Decoder<T> _decoder;
    private readonly BlockId[] _blocks;
    private readonly Batch _batch = new();
    private readonly byte[] _block;

    /// <param name="backend">Is disposed with the run.</param>
    /// <param name="document">Has no KV until <see cref="Prefill"/> or <see cref="WriteKv"/>.</param>
    public ConstructedRun(IBackend<T> backend, ConstructedDocument document, DType kv)
    {
        Document = document;
        ConstructedModel.Write(_folder.Path);
        _file = ModelFile.Open(_folder.Path);
        _backend = backend;
        var config = _file.Config;
        Layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, BlockSize, kv);
        int blocks = (document.Tokens.Length / BlockSize) + 2;

        // Backwards, so that a position is nowhere near the place of its index.
        _blocks = [.. Enumerable.Range(0, blocks).Reverse().Select(i => new BlockId(i))];
        _decoder = new Decoder<T>(_backend, _file, Layout, blocks, Chunk, maxOutputs: 1);
        _block = new byte[Layout.BlockBytes];
    }

    public ConstructedDocument Document { get; }

    public KvLayout Layout { get; }

    /// <summary>Computes the document's KV.</summary>
    public void Prefill()
    {
        for (int start = 0; start < Document.Tokens.Length; start += Chunk)
        {
            int rows = Math.Min(Chunk, Document.Tokens.Length - start);
            Forward(Document.Tokens.AsSpan(start, rows), start, outputs: 0);
        }
    }

    /// <summary>Writes the document's KV by code.</summary>
    public void WriteKv()
    {
        var kv = new ConstructedKv(Layout);
        for (int block = 0; block * BlockSize < Document.Tokens.Length; block++)
        {
            kv.Fill(Document.Tokens, block, _block);
            _backend.Wait(_backend.CopyIn(_decoder.Pool, _blocks[block], 0, Layout.Layers, _block, default));
        }
    }

    /// <summary>Asks behind the document, in place of what was asked before.</summary>
    public ConstructedAnswer Ask(ConstructedPair pair)
    {
        int[] answer = new int[pair.Value.Length];
        var (lowest, highest) = (float.MaxValue, float.MinValue);
        int position = Document.Tokens.Length;
        ReadOnlySpan<int> input = pair.Key;
        for (int i = 0; i < answer.Length; i++)
        {
            var logits = Forward(input, position, outputs: 1);
            position += input.Length;
            answer[i] = logits.IndexOf(TensorPrimitives.Max<float>(logits));
            lowest = Math.Min(lowest, logits[answer[i]]);
            logits[answer[i]] = float.MinValue;
            highest = Math.Max(highest, TensorPrimitives.Max<float>(logits));
            input = answer.AsSpan(i, 1);
        }

        return new ConstructedAnswer(answer, lowest, highest);
    }

    /// <summary>A block of the sequence in the interchange layout.</summary>
    public byte[] ReadBlock(int block)
    {
        byte[] bytes = new byte[Layout.BlockBytes];
        _backend.Wait(_backend.CopyOut(_decoder.Pool, _blocks[block], 0, Layout.Layers, bytes, _backend.Fence()));
        return bytes;
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _backend.Dispose();
        _file.Dispose();
        _folder.Dispose();
    }

    private Span<float> Forward(ReadOnlySpan<int> tokens, int position, int outputs)
    {
        _batch.Clear();
        _batch.Add(tokens, position, _blocks, outputs);
        return _decoder.Forward(_batch);
    }
}
