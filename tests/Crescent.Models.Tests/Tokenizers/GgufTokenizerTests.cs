using Crescent.Models.Tokenizers;
using Crescent.Models.Weights;

namespace Crescent.Models.Tests.Tokenizers;

public sealed class GgufTokenizerTests
{
    [StoriesFact]
    public void Stories260KIsTheSameFromBothFiles()
    {
        var json = TokenizerJson.Load(Path.Combine(Vectors.Stories260K, "tokenizer.json"));
        var gguf = Vectors.LoadGguf(Path.Combine(Vectors.Stories260K, "stories260K.f32.gguf"));
        var random = new Random(6);
        Assert.Equal(json.VocabularySize, gguf.VocabularySize);
        for (var i = 0; i < 5_000; i++)
        {
            var text = RandomText.Next(random);
            var ids = json.Encode(text, addSpecialTokens: true, parseSpecialTokens: true);
            Assert.Equal(ids, gguf.Encode(text, addSpecialTokens: true, parseSpecialTokens: true));
            Assert.Equal(Decoding.Of(json, ids), Decoding.Of(gguf, ids));
        }
    }

    [Fact]
    public void TheBestScoreMergesFirst()
    {
        // "ab" scores less than "bc".
        var metadata = SentencePiece(("ab", -2f), ("bc", -1f));

        Assert.Equal(["▁", "a", "bc"], Spellings(metadata, "abc"));
    }

    [Fact]
    public void OfEqualScoresTheLeftmostMergesFirst() =>
        Assert.Equal(["▁", "ab", "c"], Spellings(SentencePiece(("ab", -1f), ("bc", -1f)), "abc"));

    [Fact]
    public void AControlTokenIsNotMadeByMerges()
    {
        var metadata = SentencePiece(("s>", -1f), ("<", 0f), ("s", 0f), (">", 0f));

        Assert.Equal(["▁", "<", "s>"], Spellings(metadata, "<s>"));
    }

    [Fact]
    public void SwitchesDecideAboutBosAndEos()
    {
        var metadata = SentencePiece();
        metadata["tokenizer.ggml.add_bos_token"] = false;
        metadata["tokenizer.ggml.add_eos_token"] = true;

        var ids = GgufTokenizer.Load(metadata, "test.gguf").Encode("", addSpecialTokens: true, parseSpecialTokens: false);

        Assert.Equal([2], ids);
    }

    [Fact]
    public void TheSpacePrefixCanBeSwitchedOff()
    {
        var metadata = SentencePiece();
        metadata["tokenizer.ggml.add_space_prefix"] = false;

        Assert.Equal(["a"], Spellings(metadata, "a"));
    }

    [Theory]
    [InlineData("tokenizer.ggml.model", "bert")]
    [InlineData("tokenizer.ggml.pre", "deepseek-llm")]
    public void AnUnsupportedKindIsNamed(string key, string kind)
    {
        var metadata = ByteLevel();
        metadata[key] = kind;

        Assert.Contains(kind, Assert.Throws<ModelFormatException>(() => GgufTokenizer.Load(metadata, "test.gguf")).Message);
    }

    [Theory]
    [InlineData("tokenizer.ggml.model")]
    [InlineData("tokenizer.ggml.tokens")]
    [InlineData("tokenizer.ggml.merges")]
    public void AMissingKeyIsNamed(string key)
    {
        var metadata = ByteLevel();
        metadata.Remove(key);

        Assert.Contains(key, Assert.Throws<ModelFormatException>(() => GgufTokenizer.Load(metadata, "test.gguf")).Message);
    }

    [Theory]
    [InlineData("tokenizer.ggml.tokens", 7)]
    [InlineData("tokenizer.ggml.token_type", new[] { 1, 1 })]
    [InlineData("tokenizer.ggml.merges", new[] { "a" })]
    [InlineData("tokenizer.ggml.merges", new[] { "a zz" })]
    [InlineData("tokenizer.ggml.bos_token_id", 4_000_000_000u)]
    [InlineData("tokenizer.ggml.bos_token_id", "1")]
    public void AWrongValueIsNamed(string key, object value)
    {
        var metadata = ByteLevel();
        metadata["tokenizer.ggml.add_bos_token"] = true;
        metadata[key] = value;

        Assert.Contains(key, Assert.Throws<ModelFormatException>(() => GgufTokenizer.Load(metadata, "test.gguf")).Message);
    }

    [Fact]
    public void TheDefaultPreTokenizerCutsDigitsInThrees()
    {
        var metadata = ByteLevel("1 2", "12 3", "3 4", "123 4");

        Assert.Equal(["123", "4"], Spellings(metadata, "1234"));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 6)]
    public void ATokenOfAnyTypeIsFoundByItsSpelling(int first, int second)
    {
        var metadata = ByteLevel();
        string[] tokens = [.. (string[])metadata["tokenizer.ggml.tokens"], "<|x|>", "<0x41>"];
        metadata["tokenizer.ggml.tokens"] = tokens;
        metadata["tokenizer.ggml.token_type"] = Enumerable.Repeat(1, 256).Append(first).Append(second).ToArray();

        var tokenizer = GgufTokenizer.Load(metadata, "test.gguf");

        Assert.Equal(Enumerable.Range(0, tokens.Length), tokens.Select(token => tokenizer.FindToken(token) ?? -1));
    }

    private static string[] Spellings(Dictionary<string, object> metadata, string text)
    {
        var tokens = (string[])metadata["tokenizer.ggml.tokens"];
        return [.. GgufTokenizer.Load(metadata, "test.gguf").Encode(text, addSpecialTokens: false, parseSpecialTokens: false).Select(id => tokens[id])];
    }

    private static Dictionary<string, object> SentencePiece(params (string Text, float Score)[] more)
    {
        (string Text, float Score, int Type)[] tokens =
        [
            ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3),
            .. Enumerable.Range(0, 256).Select(b => ($"<0x{b:X2}>", 0f, 6)),
            ("▁", 0, 1), ("a", 0, 1), ("b", 0, 1), ("c", 0, 1),
            .. more.Select(m => (m.Text, m.Score, 1)),
        ];
        return new()
        {
            ["tokenizer.ggml.model"] = "llama",
            ["tokenizer.ggml.tokens"] = tokens.Select(t => t.Text).ToArray(),
            ["tokenizer.ggml.scores"] = tokens.Select(t => t.Score).ToArray(),
            ["tokenizer.ggml.token_type"] = tokens.Select(t => t.Type).ToArray(),
            ["tokenizer.ggml.bos_token_id"] = 1u,
            ["tokenizer.ggml.eos_token_id"] = 2u,
        };
    }

    private static Dictionary<string, object> ByteLevel(params string[] merges) => new()
    {
        ["tokenizer.ggml.model"] = "gpt2",
        ["tokenizer.ggml.tokens"] = Enumerable.Range(0, 256).Select(b => ByteAlphabet.ToChar((byte)b).ToString())
            .Concat(merges.Select(m => m.Replace(" ", "", StringComparison.Ordinal))).ToArray(),
        ["tokenizer.ggml.merges"] = merges,
    };
}
