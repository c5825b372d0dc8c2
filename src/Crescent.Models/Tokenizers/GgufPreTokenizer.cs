namespace Crescent.Models.Tokenizers;

/// <summary>What a value of <c>tokenizer.ggml.pre</c> stands for.</summary>
internal sealed record GgufPreTokenizer
{
    public required IReadOnlyList<TextSplitter> Splitters { get; init; }

    public TextNormalizer? Normalizer { get; init; }

    public bool IgnoresMerges { get; init; }

    /// <summary>Whether BOS is added when the file does not say.</summary>
    public bool AddsBos { get; init; }

    /// <summary>null: not known.</summary>
    public static GgufPreTokenizer? Named(string name) => name switch
    {
        "llama3" or "llama-v3" or "llama-bpe" =>
            new() { Splitters = [new Llama3Splitter(digits: 3)], IgnoresMerges = true, AddsBos = true },

        // NFC is in the models' tokenizer.json; GGUF does not record it.
        "qwen2" => new() { Splitters = [new Llama3Splitter(digits: 1)], Normalizer = new NfcNormalizer() },
        "gpt-2" => new() { Splitters = [new Gpt2Splitter()] },
        "default" => new()
        {
            Splitters = [new PunctuationSplitter(), new Gpt2Splitter(), new NumberSplitter(), new DigitTripleSplitter()],
        },
        _ => null,
    };
}
