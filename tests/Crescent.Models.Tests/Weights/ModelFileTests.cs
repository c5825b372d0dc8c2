using System.Text.Json.Nodes;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

public sealed class ModelFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(ModelFormat.Folder, DType.F32)]
    [InlineData(ModelFormat.Folder, DType.F16)]
    [InlineData(ModelFormat.Folder, DType.BF16)]
    [InlineData(ModelFormat.Gguf, DType.F32)]
    [InlineData(ModelFormat.Gguf, DType.F16)]
    [InlineData(ModelFormat.Gguf, DType.BF16)]
    [InlineData(ModelFormat.Gguf, DType.Q8_0)]
    public void A_matrix_is_the_stored_bytes_in_the_stored_dtype(ModelFormat format, DType type)
    {
        var config = RandomModel.Config();
        RandomModel.Write(config, 3, _folder["model"], format, type);
        var stored = RandomModel.Gguf(config, 3, type == DType.Q8_0 ? type : DType.F32)
            .Tensors.Single(tensor => tensor.Name == "blk.1.ffn_down.weight").Data;

        using var model = ModelFile.Open(_folder["model"]);
        var matrix = model.GetMatrix(TensorNames.FeedForwardDown(1));

        Assert.Equal((type, 64, 128), (matrix.Type, matrix.Rows, matrix.Columns));
        Assert.Equal(type == DType.Q8_0 ? stored : Rounded(stored, type), BytesOf(matrix));
    }

    [Fact]
    public void The_config_of_a_folder_is_what_was_written()
    {
        var written = RandomModel.Config("qwen3") with
        {
            RopeTheta = 1_000_000,
            RopeScaling = new Llama3RopeScaling(8, 1, 4, 8192),
        };
        RandomModel.Write(written, 1, _folder.Path);

        using var model = ModelFile.Open(_folder.Path);

        Assert.Equal(written, model.Config);
    }

    [Fact]
    public void The_config_of_a_gguf_file_is_what_was_written_with_pairs_interleaved_for_llama()
    {
        var written = RandomModel.Config() with { TiedHead = true };
        RandomModel.Write(written, 1, _folder["m.gguf"], ModelFormat.Gguf);

        using var model = ModelFile.Open(_folder["m.gguf"]);

        Assert.Equal(written with { RopeInterleaved = true }, model.Config);
    }

    [Fact]
    public void Shards_give_the_same_weights_as_one_file()
    {
        var writer = RandomModel.Folder(RandomModel.Config(), 4);
        writer.Write(_folder["one"]);
        writer.Write(_folder["three"], shards: 3);

        using var one = ModelFile.Open(_folder["one"]);
        using var three = ModelFile.Open(_folder["three"]);

        Assert.Equal(one.WeightBytes, three.WeightBytes);
        Assert.All(one.Weights, pair => Assert.Equal(BytesOf(pair.Value), BytesOf(three.GetMatrix(pair.Key))));
    }

    [Theory]
    [InlineData(ModelFormat.Folder)]
    [InlineData(ModelFormat.Gguf)]
    public void A_tied_head_is_the_embedding_and_counts_once(ModelFormat format)
    {
        var config = RandomModel.Config();
        RandomModel.Write(config, 1, _folder["untied"], format);
        RandomModel.Write(config with { TiedHead = true }, 1, _folder["tied"], format);

        using var untied = ModelFile.Open(_folder["untied"]);
        using var tied = ModelFile.Open(_folder["tied"]);

        Assert.Equal(tied.GetMatrix(TensorNames.TokenEmbedding).Data, tied.GetMatrix(TensorNames.Output).Data);
        Assert.NotEqual(untied.GetMatrix(TensorNames.TokenEmbedding).Data, untied.GetMatrix(TensorNames.Output).Data);
        Assert.Equal(untied.WeightBytes - untied.GetMatrix(TensorNames.Output).Bytes, tied.WeightBytes);
    }

    [Fact]
    public void A_folder_that_asks_for_a_tied_head_gets_it_though_it_has_another()
    {
        var writer = RandomModel.Folder(RandomModel.Config(), 1);
        writer.Config["tie_word_embeddings"] = true;
        writer.Write(_folder.Path);

        using var model = ModelFile.Open(_folder.Path);

        Assert.True(model.Config.TiedHead);
    }

    [Fact]
    public void A_folder_that_says_nothing_and_has_no_head_is_tied()
    {
        var writer = RandomModel.Folder(RandomModel.Config() with { TiedHead = true }, 1);
        writer.Config.Remove("tie_word_embeddings");
        writer.Write(_folder.Path);

        using var model = ModelFile.Open(_folder.Path);

        Assert.True(model.Config.TiedHead);
    }

    [Fact]
    public void Without_head_dim_a_llama_head_is_the_hidden_size_shared_out()
    {
        var writer = RandomModel.Folder(RandomModel.Config() with { Heads = 4, HeadDim = 16 }, 1);
        writer.Config.Remove("head_dim");
        writer.Write(_folder.Path);

        using var model = ModelFile.Open(_folder.Path);

        Assert.Equal(16, model.Config.HeadDim);
    }

    [Fact]
    public void Rope_parameters_of_newer_folders_are_read()
    {
        var writer = RandomModel.Folder(RandomModel.Config(), 1);
        writer.Config.Remove("rope_theta");
        writer.Config["rope_parameters"] = new JsonObject { ["rope_type"] = "default", ["rope_theta"] = 500_000.0 };
        writer.Write(_folder.Path);

        using var model = ModelFile.Open(_folder.Path);

        Assert.Equal((500_000.0, null), (model.Config.RopeTheta, model.Config.RopeScaling));
    }

    [Fact]
    public void Tensors_the_decoder_does_not_need_may_be_of_any_dtype()
    {
        var writer = RandomModel.Folder(RandomModel.Config(), 1);
        writer.Tensors.Insert(0, new("model.extra", "U8", [3], [1, 2, 3]));
        writer.Tensors.Insert(1, new("model.newer", "F4", [1], [1, 2, 3]));
        writer.Write(_folder.Path);

        using var model = ModelFile.Open(_folder.Path);

        Assert.Equal(writer.Tensors[2].Data, BytesOf(model.GetMatrix(TensorNames.TokenEmbedding)));
    }

    [Theory]
    [InlineData(2, 32)]
    [InlineData(3, 32)]
    [InlineData(3, 256)]
    public void Gguf_versions_and_alignments_are_read(uint version, int alignment)
    {
        var source = RandomModel.Gguf(RandomModel.Config(), 1);
        var writer = new GgufWriter { Version = version, Alignment = alignment };
        writer.Metadata.AddRange(source.Metadata);
        writer.Tensors.AddRange(source.Tensors);
        writer["general.alignment"] = (uint)alignment;
        File.WriteAllBytes(_folder["m.gguf"], writer.ToBytes());

        using var model = ModelFile.Open(_folder["m.gguf"]);

        Assert.Equal(source.Tensors[^1].Data, BytesOf(model.GetMatrix(TensorNames.Output)));
    }

    [Fact]
    public void Gguf_metadata_keeps_the_stored_types()
    {
        object[] values =
        [
            (byte)1, (sbyte)-1, (ushort)2, (short)-2, 3u, -3, 4ul, -4L, 1.5f, 2.5, true, "text é",
            new[] { "a", "" }, new[] { 1f }, new[] { 1, -1 }, new[] { 7u }, new[] { true, false }, new[] { 9ul },
        ];
        var writer = RandomModel.Gguf(RandomModel.Config(), 1);
        foreach (var (i, value) in values.Index())
        {
            writer[$"test.{i}"] = value;
        }

        File.WriteAllBytes(_folder["m.gguf"], writer.ToBytes());

        using var model = ModelFile.Open(_folder["m.gguf"]);

        Assert.All(values.Index(), item => Assert.Equal(item.Item, model.Metadata[$"test.{item.Index}"]));
        Assert.All(values.Index(), item => Assert.IsType(item.Item.GetType(), model.Metadata[$"test.{item.Index}"]));
        model.ForgetMetadata();
        Assert.Empty(model.Metadata);
    }

    private static unsafe byte[] BytesOf(WeightSource weight) => new ReadOnlySpan<byte>((void*)weight.Data, (int)weight.Bytes).ToArray();

    private static byte[] Rounded(byte[] floats, DType type) =>
        WeightEncoding.Encode(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(floats), type);
}
