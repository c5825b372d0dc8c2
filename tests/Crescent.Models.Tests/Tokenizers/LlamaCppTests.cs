using System.Globalization;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>llama.cpp's own vectors: a vocabulary, texts, and the ids they must become.</summary>
public sealed class LlamaCppTests
{
    private const string Separator = "\n__ggml_vocab_test__\n";
    private const int VectorsPerVocabulary = 47;

    [VectorTheory]
    [InlineData("llama-bpe")]
    [InlineData("qwen2")]
    [InlineData("gpt-2")]
    [InlineData("llama-spm")]
    public void EncodesAllVectors(string vocabulary)
    {
        var path = Vectors.PathOf($"llama.cpp/ggml-vocab-{vocabulary}.gguf");
        var tokenizer = Vectors.LoadGguf(path);
        var texts = File.ReadAllText(path + ".inp").Split(Separator);

        // The texts end with a separator, so the last one is empty, and has no line.
        string[] expected = [.. File.ReadAllLines(path + ".out").Select(line => line.Trim()), ""];
        Assert.Equal(VectorsPerVocabulary, texts.Length);
        Assert.Equal(VectorsPerVocabulary, expected.Length);

        for (var i = 0; i < texts.Length; i++)
        {
            var ids = tokenizer.Encode(texts[i], addSpecialTokens: false, parseSpecialTokens: false);
            var shown = string.Join(' ', ids.Select(id => id.ToString(CultureInfo.InvariantCulture)));
            Assert.True(expected[i] == shown, $"{i}: '{texts[i]}': {expected[i]} expected, {shown} encoded");
        }
    }

    [VectorTheory]
    [InlineData("llama-bpe", 128000)]
    [InlineData("llama-spm", 1)]
    public void AddsBosWhereTheModelWantsIt(string vocabulary, int bos)
    {
        var tokenizer = Vectors.LoadGguf(Vectors.PathOf($"llama.cpp/ggml-vocab-{vocabulary}.gguf"));

        Assert.Equal(bos, tokenizer.Encode("Hello", addSpecialTokens: true, parseSpecialTokens: false)[0]);
    }
}
