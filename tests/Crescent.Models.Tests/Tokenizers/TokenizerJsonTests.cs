using System.Text;
using System.Text.Json.Nodes;
using Crescent.Models.Tokenizers;
using Crescent.Models.Weights;

namespace Crescent.Models.Tests.Tokenizers;

public sealed class TokenizerJsonTests
{
    [Fact]
    public void TheTemplateGoesAroundATextWithSpecialTokens()
    {
        var tokenizer = TestTokenizer.ByteLevel([], f => f["post_processor"]!["single"]!.AsArray().Add(
            TestTokenizer.Parse("""{"SpecialToken": {"id": "<s>"}}""")));

        Assert.Equal([TestTokenizer.Bos, 'a', TestTokenizer.Bos], tokenizer.Encode("a", addSpecialTokens: true, parseSpecialTokens: false));
        Assert.Equal([TestTokenizer.Bos, TestTokenizer.Bos], tokenizer.Encode("", addSpecialTokens: true, parseSpecialTokens: false));
        Assert.Equal(['a'], tokenizer.Encode("a", addSpecialTokens: false, parseSpecialTokens: false));
    }

    [Fact]
    public void ALlamaConfigOverridesTheTemplate()
    {
        int[] Encode(string config) => TestTokenizer.Load(TestTokenizer.ByteLevelJson(), config: config)
            .Encode("a", addSpecialTokens: true, parseSpecialTokens: false);

        Assert.Equal(
            ['a', TestTokenizer.End],
            Encode("""{"tokenizer_class": "LlamaTokenizer", "add_bos_token": false, "add_eos_token": true, "eos_token": {"content": "</s>"}}"""));
        Assert.Equal([TestTokenizer.Bos, 'a'], Encode("""{"tokenizer_class": "PreTrainedTokenizerFast", "add_bos_token": false}"""));
    }

    [Fact]
    public void MergesMayBePairs()
    {
        var tokenizer = TestTokenizer.ByteLevel(["a b"], f => f["model"]!["merges"] = new JsonArray(new JsonArray("a", "b")));

        Assert.Equal([256], tokenizer.Encode("ab", addSpecialTokens: false, parseSpecialTokens: false));
    }

    [Fact]
    public void AByteLevelPrefixSpaceIsAddedOnce()
    {
        var tokenizer = TestTokenizer.ByteLevel([], f => f["pre_tokenizer"]!["add_prefix_space"] = true);
        int[] Encode(string text) => tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false);

        Assert.Equal(Encode(" a"), Encode("a"));
        Assert.Equal([' ', 'a'], Encode("a"));
        Assert.Equal(3, Encode("  a").Length);
    }

    [Theory]
    [InlineData("always", "▁a▁b</s>▁c")]
    [InlineData("first", "▁a▁b</s>c")]
    [InlineData("never", "a▁b</s>c")]
    public void MetaspacePrependsByItsScheme(string scheme, string expected)
    {
        var tokenizer = TestTokenizer.SentencePieceLike([], f =>
        {
            f["normalizer"] = null;
            f["pre_tokenizer"] = new JsonObject { ["type"] = "Metaspace", ["replacement"] = "▁", ["prepend_scheme"] = scheme, ["split"] = true };
        });

        var ids = tokenizer.Encode("a b</s>c", addSpecialTokens: false, parseSpecialTokens: true);

        Assert.Equal(expected.Replace("▁", " ", StringComparison.Ordinal), string.Concat(ids.Select(id => Encoding.UTF8.GetString(tokenizer.GetBytes(id).Span))));
    }

    [Fact]
    public void MetaspaceDecodesWithoutItsPrefix()
    {
        var tokenizer = TestTokenizer.SentencePieceLike([], f => f["decoder"] =
            TestTokenizer.Parse("""{"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"}"""));

        Assert.Equal("a b", Decoding.Of(tokenizer, tokenizer.Encode("a b", addSpecialTokens: false, parseSpecialTokens: false)));
    }

    [Theory]
    [InlineData("normalizer", """{"type": "NFKC"}""", "NFKC")]
    [InlineData("normalizer", """{"type": "Replace", "pattern": {"Regex": "x+"}, "content": ""}""", "x+")]
    [InlineData("pre_tokenizer", """{"type": "Whitespace"}""", "Whitespace")]
    [InlineData("pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "[a-f]+q"}, "behavior": "Isolated", "invert": false}""", "[a-f]+q")]
    [InlineData("pre_tokenizer", """{"type": "Split", "pattern": {"String": "q"}, "behavior": "Isolated", "invert": false}""", "q")]
    [InlineData("post_processor", """{"type": "BertProcessing"}""", "BertProcessing")]
    [InlineData("decoder", """{"type": "WordPiece"}""", "WordPiece")]
    [InlineData("decoder", """{"type": "Strip", "content": "_", "start": 1, "stop": 0}""", "Strip")]
    [InlineData("model", """{"type": "Unigram", "vocab": []}""", "Unigram")]
    [InlineData("model", """{"type": "BPE", "vocab": {}, "merges": [], "end_of_word_suffix": "</w>"}""", "</w>")]
    public void AnUnsupportedComponentIsNamed(string member, string json, string name)
    {
        var error = Assert.Throws<ModelFormatException>(() => TestTokenizer.ByteLevel([], f => f[member] = TestTokenizer.Parse(json)));

        Assert.Contains(name, error.Message);
        Assert.Contains(member, error.Message);
    }

    [Theory]
    [InlineData("""{"type": "BPE", "merges": []}""", "model.vocab")]
    [InlineData("""{"type": "BPE", "vocab": {}}""", "model.merges")]
    [InlineData("""{"type": "BPE", "vocab": {"a": -1}, "merges": []}""", "model.vocab.a")]
    [InlineData("""{"type": "BPE", "vocab": {"a": "b"}, "merges": []}""", "model.vocab.a")]
    [InlineData("""{"type": "BPE", "vocab": {"a": 2000000000}, "merges": []}""", "2000000000")]
    [InlineData("""{"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}""", "merges[0]")]
    [InlineData("""{"type": "BPE", "vocab": {"a": 0}, "merges": ["a"]}""", "merges[0]")]
    [InlineData("""{"type": "BPE", "vocab": {"a": 0}, "merges": [7]}""", "merges[0]")]
    [InlineData("""{"type": "BPE", "vocab": {"a": 0}, "merges": [["a", 7]]}""", "merges")]
    public void ABrokenModelIsNamed(string model, string name)
    {
        var error = Assert.Throws<ModelFormatException>(() => TestTokenizer.ByteLevel([], f => f["model"] = TestTokenizer.Parse(model)));

        Assert.Contains(name, error.Message);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"model\":")]
    [InlineData("[]")]
    [InlineData("{}")]
    public void ABrokenFileIsNamed(string json)
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, json);
            Assert.Throws<ModelFormatException>(() => TokenizerJson.Load(path));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [StoriesFact]
    public void Stories260KEncodesItsGoldenPrompt()
    {
        var tokenizer = TokenizerJson.Load(Path.Combine(Vectors.Stories260K, "tokenizer.json"));

        Assert.Equal([1, 403, 407, 261, 378], tokenizer.Encode("Once upon a time", addSpecialTokens: true, parseSpecialTokens: false));
    }
}
