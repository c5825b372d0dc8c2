namespace Crescent.Models.Weights;

/// <summary>What a folder or a GGUF file says, before the tensors are matched with what the decoder needs.</summary>
internal sealed record ModelContents
{
    public required string Name { get; init; }

    /// <summary>The file that errors about the model as a whole name.</summary>
    public required string MainFile { get; init; }

    public required DecoderConfig Config { get; init; }

    /// <summary>By the name in the file.</summary>
    public required IReadOnlyDictionary<string, StoredTensor> Tensors { get; init; }

    /// <summary>From a name in <see cref="TensorNames"/> to the one in the file.</summary>
    public required Func<string, string> FileName { get; init; }

    public string? ChatTemplate { get; init; }

    public int? BosToken { get; init; }

    public required int[] EosTokens { get; init; }

    public SamplingParameters DefaultSampling { get; init; } = new();

    public IReadOnlyDictionary<string, object> Metadata { get; init; } =
        System.Collections.Frozen.FrozenDictionary<string, object>.Empty;

    public string? TokenizerJsonPath { get; init; }

    /// <summary>Byte ranges of the main file that define the tokenizer; empty for a folder, which has a file for it.</summary>
    public IReadOnlyList<(long Start, int Length)> TokenizerRanges { get; init; } = [];

    /// <exception cref="ModelFormatException">The values do not go together.</exception>
    public void Check()
    {
        if (Config.Heads % Config.KvHeads != 0)
        {
            throw new ModelFormatException(
                MainFile, $"{Config.Heads} attention heads are not a multiple of {Config.KvHeads} KV heads");
        }

        if (Config.HeadDim % 2 != 0)
        {
            throw new ModelFormatException(MainFile, $"the head dimension {Config.HeadDim} is odd");
        }

        if ((long)Config.Heads * Config.HeadDim > int.MaxValue)
        {
            throw new ModelFormatException(
                MainFile, $"{Config.Heads} heads of {Config.HeadDim} elements are more than a row can have");
        }

        foreach (var token in EosTokens.Append(BosToken ?? 0))
        {
            if (token < 0 || token >= Config.VocabularySize)
            {
                throw new ModelFormatException(
                    MainFile, $"the bos or eos token {token} is outside of the vocabulary of {Config.VocabularySize}");
            }
        }
    }
}
