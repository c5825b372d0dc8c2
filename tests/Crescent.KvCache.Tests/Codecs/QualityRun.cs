using Crescent.Backends.Cpu;
using Crescent.KvCache.Codecs;
using Crescent.Models;
using Crescent.Models.Tokenizers;
using Crescent.Models.Weights;

namespace Crescent.KvCache.Tests.Codecs;

/// <param name="Ratio">Bytes of the encodings over bytes of the same blocks in BF16.</param>
/// <param name="MeanKl">Mean over tokens of KL(lossless || codec), in nats.</param>
/// <param name="TextsUnchanged">Share of texts that greedy decoding continues with the same tokens.</param>
public sealed record Quality(double Ratio, double MeanKl, double TextsUnchanged);

/// <summary>
/// What a model says after its prompt's KV went through a codec. Prompts are whole blocks and one token, so that all KV they
/// leave is encoded; their greedy continuation is computed once, and every codec's run is given its tokens.
/// </summary>
public sealed class QualityRun : IDisposable
{
    private const int BlockSize = 64;
    private const int PromptBlocks = 3;
    private const int PromptTokens = PromptBlocks * BlockSize;
    private const int Generated = 64;
    private const int BlocksPerText = PromptBlocks + (Generated / BlockSize);

    /// <summary>Texts decoded side by side.</summary>
    private const int Together = 20;

    private readonly IBackend<CpuTensor> _backend = CpuBackend.Create(threads: 1);
    private readonly ModelFile _file;
    private readonly Decoder<CpuTensor> _decoder;
    private readonly KvLayout _layout;
    private readonly Batch _batch = new();
    private readonly List<Text> _texts = [];

    public QualityRun(string modelPath, DType kv, int prompts)
    {
        _file = ModelFile.Open(modelPath);
        var config = _file.Config;
        _layout = new KvLayout(config.Layers, config.KvHeads, config.HeadDim, BlockSize, kv);
        _decoder = new Decoder<CpuTensor>(_backend, _file, _layout, Together * BlocksPerText, PromptTokens, Together);
        var tokenizer = TokenizerJson.Load(_file.TokenizerJsonPath!);
        foreach (int[] prompt in QualityPrompts.Draw(tokenizer, _file.BosToken!.Value, PromptTokens + 1, prompts))
        {
            _texts.Add(new Text(prompt, new byte[PromptBlocks][], new int[Generated + 1], new float[Generated * _decoder.VocabularySize]));
        }

        foreach (var texts in _texts.Chunk(Together))
        {
            Prefill(texts);
            Decode(texts, (text, step, logits) =>
            {
                logits.CopyTo(text.Logits.AsSpan(step * logits.Length));
                text.Tokens[step + 1] = Best(logits);
            });
        }
    }

    public Quality Measure(IKvCodec codec)
    {
        double divergence = 0;
        long encoded = 0;
        int unchanged = 0;
        foreach (var texts in _texts.Chunk(Together))
        {
            for (int t = 0; t < texts.Length; t++)
            {
                for (int b = 0; b < PromptBlocks; b++)
                {
                    var block = new byte[_layout.BlockBytes];
                    encoded += ThereAndBack(codec, texts[t].Blocks[b], block);
                    _backend.Wait(_backend.CopyIn(_decoder.Pool, Table(t)[b], 0, _layout.Layers, block, default));
                }
            }

            var changed = new HashSet<Text>();
            Decode(texts, (text, step, logits) =>
            {
                divergence += Divergence(text.Logits.AsSpan(step * logits.Length, logits.Length), logits);
                if (Best(logits) != text.Tokens[step + 1])
                {
                    changed.Add(text);
                }
            });
            unchanged += texts.Length - changed.Count;
        }

        double elements = 2.0 * _layout.Layers * _layout.KvHeads * _layout.HeadDim * PromptTokens * _texts.Count;
        return new Quality(encoded / (elements * 2), divergence / (_texts.Count * Generated), (double)unchanged / _texts.Count);
    }

    public void Dispose()
    {
        _decoder.Dispose();
        _file.Dispose();
        _backend.Dispose();
    }

    private static BlockId[] Table(int text) => [.. Enumerable.Range(text * BlocksPerText, BlocksPerText).Select(i => new BlockId(i))];

    private void Prefill(Text[] texts)
    {
        for (int t = 0; t < texts.Length; t++)
        {
            _batch.Clear();
            _batch.Add(texts[t].Prompt.AsSpan(0, PromptTokens), 0, Table(t), outputs: 0);
            _decoder.Forward(_batch);
            texts[t].Tokens[0] = texts[t].Prompt[^1];
            for (int b = 0; b < PromptBlocks; b++)
            {
                texts[t].Blocks[b] = new byte[_layout.BlockBytes];
                _backend.Wait(_backend.CopyOut(_decoder.Pool, Table(t)[b], 0, _layout.Layers, texts[t].Blocks[b], default));
            }
        }
    }

    /// <summary>Gives every text its tokens after the prompt, one at a time, and shows the logits after each.</summary>
    private void Decode(Text[] texts, Shown shown)
    {
        for (int step = 0; step < Generated; step++)
        {
            _batch.Clear();
            for (int t = 0; t < texts.Length; t++)
            {
                _batch.Add([texts[t].Tokens[step]], PromptTokens + step, Table(t), outputs: 1);
            }

            var logits = _decoder.Forward(_batch);
            for (int t = 0; t < texts.Length; t++)
            {
                shown(texts[t], step, logits.Slice(t * _decoder.VocabularySize, _decoder.VocabularySize));
            }
        }
    }

    private int ThereAndBack(IKvCodec codec, byte[] block, byte[] target)
    {
        int bytes = 0;
        for (int layer = 0; layer < _layout.Layers; layer++)
        {
            var part = (layer * (int)_layout.LayerBytes)..((layer + 1) * (int)_layout.LayerBytes);
            byte[] encoded = Coding.Encode(codec, _layout, layer, block[part]);
            codec.Decode(_layout, layer, encoded, target.AsSpan(part));
            bytes += encoded.Length;
        }

        return bytes;
    }

    private static int Best(ReadOnlySpan<float> logits)
    {
        int best = 0;
        for (int i = 1; i < logits.Length; i++)
        {
            best = logits[i] > logits[best] ? i : best;
        }

        return best;
    }

    private static double Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        var (sumP, sumQ) = (LogSum(p), LogSum(q));
        double divergence = 0;
        for (int i = 0; i < p.Length; i++)
        {
            divergence += Math.Exp(p[i] - sumP) * (p[i] - sumP - (q[i] - sumQ));
        }

        return divergence;
    }

    private static double LogSum(ReadOnlySpan<float> logits)
    {
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit);
        }

        return Math.Log(sum);
    }

    private delegate void Shown(Text text, int step, ReadOnlySpan<float> logits);

    /// <param name="Tokens">The prompt's last token, then what follows greedily.</param>
    /// <param name="Logits">[Generated, vocabulary] of the lossless run.</param>
    private sealed record Text(int[] Prompt, byte[][] Blocks, int[] Tokens, float[] Logits);
}
