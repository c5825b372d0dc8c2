using Crescent.Models;
using Crescent.Models.Weights;

namespace Crescent.Testing;

/// <summary>What a run of one sequence computed, for every position.</summary>
/// <param name="Logits">[positions, vocabulary].</param>
/// <param name="Kv">All blocks of the sequence in the interchange layout.</param>
public sealed record DecoderResult(float[] Logits, byte[] Kv);

/// <summary>A decoder driven by hand, without scheduler or worker.</summary>
public class DecoderRun<T> : IDisposable
    where T : class
{
    private const int Blocks = 128;
    private readonly ModelFile _file;
    private readonly IBackend<T> _backend;
    private readonly Decoder<T> _decoder;
    private readonly Queue<BlockId> _free = new(Enumerable.Range(0, Blocks).Select(i => new BlockId(i)));

    /// <param name="backend">Is disposed with the run.</param>
    public DecoderRun(string modelPath, IBackend<T> backend, DType kv = DType.F32, int blockSize = 16, int maxRows = 512)
    {
        _file = ModelFile.Open(modelPath);
        _backend = backend;
        var config = _file.Config;
        var layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, blockSize, kv);
        _decoder = new Decoder<T>(_backend, _file, layout, Blocks, maxRows, maxRows);
    }

    public ModelFile File => _file;

    /// <summary>Computes a sequence in chunks of so many rows.</summary>
    public DecoderResult Run(int[] tokens, int chunk) => Run([tokens], chunk)[0];

    /// <summary>Computes sequences of one length side by side: each step holds a chunk of each.</summary>
    public DecoderResult[] Run(int[][] sequences, int chunk)
    {
        int length = sequences[0].Length;
        int blockSize = _decoder.Layout.BlockSize;
        var tables = Array.ConvertAll(sequences, _ => Enumerable.Range(0, (length + blockSize - 1) / blockSize).Select(_ => _free.Dequeue()).ToArray());
        var logits = Array.ConvertAll(sequences, _ => new List<float>());
        var batch = new Batch();
        for (int start = 0; start < length; start += chunk)
        {
            int rows = Math.Min(chunk, length - start);
            batch.Clear();
            for (int s = 0; s < sequences.Length; s++)
            {
                batch.Add(sequences[s].AsSpan(start, rows), start, tables[s], outputs: rows);
            }

            var step = _decoder.Forward(batch);
            for (int s = 0; s < sequences.Length; s++)
            {
                int values = rows * _decoder.VocabularySize;
                logits[s].AddRange(step.Slice(s * values, values));
            }
        }

        return [.. sequences.Select((_, s) => new DecoderResult([.. logits[s]], ReadKv(tables[s], length)))];
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _backend.Dispose();
        _file.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Copies the blocks out, gives them back, and keeps of each head only the positions that were written.</summary>
    private byte[] ReadKv(BlockId[] table, int length)
    {
        var layout = _decoder.Layout;
        int positionBytes = (int)layout.Type.RowBytes(layout.HeadDim);
        var kv = new MemoryStream();
        var block = new byte[layout.BlockBytes];
        for (int b = 0; b < table.Length; b++)
        {
            _backend.Wait(_backend.CopyOut(_decoder.Pool, table[b], 0, layout.Layers, block, default));
            int written = Math.Min(layout.BlockSize, length - (b * layout.BlockSize)) * positionBytes;
            for (int head = 0; head < layout.Layers * 2 * layout.KvHeads; head++)
            {
                kv.Write(block, head * layout.BlockSize * positionBytes, written);
            }

            _free.Enqueue(table[b]);
        }

        return kv.ToArray();
    }
}
