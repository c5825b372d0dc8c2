using System.Text;
using Crescent.Bench.Models;
using Crescent.Models.Tokenizers;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Bench.Tests;

public class ModelTests
{
    private const string Text = "Once upon a time, größer als 42!";
    private static readonly BenchShape Small = new("tiny", "small", RandomModel.Config() with { VocabularySize = 1200 });

    [Fact]
    public void A_folder_and_a_GGUF_file_hold_the_same_weights()
    {
        using var cache = new TemporaryFolder();
        using var folder = ModelFile.Open(Small.Model(cache.Path, DType.BF16, folder: true, _ => { }));
        using var gguf = ModelFile.Open(Small.Model(cache.Path, DType.BF16, folder: false, _ => { }));

        // Rows of rotated matrices are in another order in GGUF; down_proj's are not.
        Assert.Equal(
            WeightEncoding.Decode(folder.GetMatrix(TensorNames.FeedForwardDown(1))),
            WeightEncoding.Decode(gguf.GetMatrix(TensorNames.FeedForwardDown(1))));
        Assert.NotEqual(
            WeightEncoding.Decode(folder.GetMatrix(TensorNames.AttentionQ(1))),
            WeightEncoding.Decode(gguf.GetMatrix(TensorNames.AttentionQ(1))));
        Assert.Equal(
            WeightEncoding.Decode(folder.GetMatrix(TensorNames.AttentionQ(1))).Order(),
            WeightEncoding.Decode(gguf.GetMatrix(TensorNames.AttentionQ(1))).Order());
    }

    [Fact]
    public void A_model_is_made_once()
    {
        using var cache = new TemporaryFolder();
        var made = new List<string>();
        string first = Small.Model(cache.Path, DType.F16, folder: false, made.Add);

        Assert.Equal(first, Small.Model(cache.Path, DType.F16, folder: false, made.Add));
        Assert.Single(made);
    }

    [Fact]
    public void Both_forms_of_the_tokenizer_spell_any_text_alike()
    {
        using var cache = new TemporaryFolder();
        using var gguf = ModelFile.Open(Small.Model(cache.Path, DType.F16, folder: false, _ => { }));
        var fromGguf = GgufTokenizer.Load(gguf.Metadata, gguf.Path);
        var fromJson = TokenizerJson.Load(Path.Combine(Small.Model(cache.Path, DType.F16, folder: true, _ => { }), "tokenizer.json"));
        int[] json = fromJson.Encode(Text, addSpecialTokens: false, parseSpecialTokens: false);

        Assert.Equal(json, fromGguf.Encode(Text, addSpecialTokens: false, parseSpecialTokens: false));
        Assert.True(json.Length < Encoding.UTF8.GetByteCount(Text), "no merge was used");
        var decoder = fromJson.CreateDecoder(skipSpecialTokens: false);
        Assert.Equal(Text, string.Concat(json.Select(token => decoder.Append(token))) + decoder.Flush());
    }

    [Theory]
    [InlineData("S")]
    [InlineData("B")]
    [InlineData("G")]
    public void Rows_of_every_shape_are_whole_runs(string name)
    {
        var config = BenchShape.Named(name).Config;

        Assert.All([config.HiddenSize, config.IntermediateSize, config.Heads * config.HeadDim], columns => Assert.Equal(0, columns % 256));
    }
}
