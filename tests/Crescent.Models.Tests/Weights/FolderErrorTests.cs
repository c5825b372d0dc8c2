using System.Text;
using System.Text.Json.Nodes;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

/// <summary>What is wrong with a folder comes as one sentence that names the file and the thing.</summary>
public sealed class FolderErrorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderWriter _writer = RandomModel.Folder(RandomModel.Config(), 1);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("architectures", "[\"MistralForCausalLM\"]", "architecture 'MistralForCausalLM' is not supported")]
    [InlineData("hidden_act", "\"gelu\"", "'hidden_act' gelu is not supported")]
    [InlineData("attention_bias", "true", "'attention_bias' is not supported")]
    [InlineData("mlp_bias", "true", "'mlp_bias' is not supported")]
    [InlineData("use_sliding_window", "true", "'use_sliding_window' is not supported")]
    [InlineData("partial_rotary_factor", "0.5", "'partial_rotary_factor' 0.5 is not supported")]
    [InlineData("quantization_config", "{\"quant_method\":\"gptq\"}", "quantised weights ('quantization_config': gptq)")]
    [InlineData("rope_scaling", "{\"type\":\"linear\",\"factor\":2}", "rope type 'linear' is not supported")]
    [InlineData("rope_scaling", "{\"rope_type\":\"dynamic\",\"factor\":2}", "rope type 'dynamic' is not supported")]
    [InlineData("rope_scaling", "{\"rope_type\":\"yarn\",\"factor\":4}", "rope type 'yarn' is not supported")]
    [InlineData("rope_scaling", "{\"rope_type\":\"llama3\",\"factor\":8}", "'rope_scaling.low_freq_factor' is missing")]
    [InlineData(
        "rope_scaling",
        "{\"rope_type\":\"llama3\",\"factor\":8,\"low_freq_factor\":4,\"high_freq_factor\":4,\"original_max_position_embeddings\":64}",
        "'rope_scaling.low_freq_factor' is not below")]
    [InlineData("hidden_size", "0", "'hidden_size' is not a positive integer")]
    [InlineData("num_hidden_layers", "-3", "'num_hidden_layers' is not a positive integer")]
    [InlineData("vocab_size", "\"many\"", "'vocab_size' is not a 32-bit integer")]
    [InlineData("vocab_size", "1e30", "'vocab_size' is not a 32-bit integer")]
    [InlineData("intermediate_size", "null", "'intermediate_size' is missing")]
    [InlineData("num_key_value_heads", "4", "6 attention heads are not a multiple of 4 KV heads")]
    [InlineData("head_dim", "15", "the head dimension 15 is odd")]
    [InlineData("head_dim", "2147483646", "are more than a row can have")]
    [InlineData("rms_norm_eps", "-1", "'rms_norm_eps' is not a positive number")]
    [InlineData("rms_norm_eps", "1e999", "'rms_norm_eps' is not a finite number")]
    [InlineData("rope_theta", "0", "'rope_theta' is not a positive number")]
    [InlineData("bos_token_id", "160", "token 160 is outside of the vocabulary of 160")]
    [InlineData("eos_token_id", "[2,-1]", "token -1 is outside of the vocabulary of 160")]
    [InlineData("num_hidden_layers", "4", "tensor 'model.layers.3.input_layernorm.weight' is missing")]
    public void A_config_value_that_cannot_be_served_is_named(string name, string json, string problem)
    {
        _writer.Config[name] = JsonNode.Parse(json);
        _writer.Write(_folder.Path);

        AssertError("config.json", problem);
    }

    [Fact]
    public void A_head_size_that_does_not_come_out_even_is_named()
    {
        _writer.Config.Remove("head_dim");
        _writer.Write(_folder.Path);

        AssertError("config.json", "'hidden_size' 64 is not a multiple of 'num_attention_heads' 6");
    }

    [Theory]
    [InlineData("{\"hidden_size\": NaN}", "is not valid JSON")]
    [InlineData("{\"hidden_size\": 1", "is not valid JSON")]
    [InlineData("", "is not valid JSON")]
    [InlineData("[]", "the JSON is not an object")]
    [InlineData("{\"architectures\": [\"\\ud800\"]}", "is not valid Unicode")]
    [InlineData("{}", "'model_type' is missing")]
    public void A_config_that_is_not_json_is_named(string json, string problem)
    {
        _writer.Write(_folder.Path);
        File.WriteAllText(_folder["config.json"], json);

        AssertError("config.json", problem);
    }

    [Theory]
    [InlineData("config.json", "config.json")]
    [InlineData("model.safetensors", "model.safetensors")]
    public void A_missing_file_is_named(string file, string named)
    {
        _writer.Write(_folder.Path);
        File.Delete(_folder[file]);

        AssertError(named, "the file does not exist");
    }

    [Fact]
    public void A_path_where_nothing_is_gives_the_path()
    {
        var error = Assert.Throws<ModelFormatException>(() => ModelFile.Open(_folder["nothing"]));

        Assert.Equal($"'{_folder["nothing"]}': the file does not exist.", error.Message);
    }

    [Fact]
    public void A_missing_tensor_is_named()
    {
        _writer.Tensors.RemoveAll(tensor => tensor.Name == "model.layers.1.mlp.up_proj.weight");
        _writer.Write(_folder.Path);

        AssertError("config.json", "tensor 'model.layers.1.mlp.up_proj.weight' is missing");
    }

    [Fact]
    public void A_missing_head_is_named_when_the_config_says_it_is_not_tied()
    {
        _writer.Tensors.RemoveAll(tensor => tensor.Name == "lm_head.weight");
        _writer.Write(_folder.Path);

        AssertError("config.json", "tensor 'lm_head.weight' is missing");
    }

    [Fact]
    public void A_mis_shaped_tensor_is_named_with_both_shapes()
    {
        Replace("model.layers.0.mlp.gate_proj.weight", tensor => tensor with { Shape = [64, 128] });

        AssertError(
            "model.safetensors",
            "tensor 'model.layers.0.mlp.gate_proj.weight' has the shape [64, 128] where the configuration wants [128, 64]");
    }

    [Fact]
    public void An_unsupported_dtype_is_named()
    {
        Replace("model.norm.weight", tensor => tensor with { Dtype = "I32" });

        AssertError("model.safetensors", "tensor 'model.norm.weight' has the unsupported dtype I32");
    }

    [Fact]
    public void A_tensor_with_too_few_bytes_for_its_shape_is_named()
    {
        Replace("model.norm.weight", tensor => tensor with { Data = tensor.Data[..^4] });

        AssertError("model.safetensors", "tensor 'model.norm.weight' of shape [64] in F32 needs 256 bytes and has 252");
    }

    [Fact]
    public void A_truncated_file_is_named_with_the_first_tensor_that_is_cut()
    {
        _writer.Write(_folder.Path);
        var bytes = File.ReadAllBytes(_folder["model.safetensors"]);
        File.WriteAllBytes(_folder["model.safetensors"], bytes[..^1]);

        AssertError("model.safetensors", "tensor 'lm_head.weight' ends at byte");
    }

    [Theory]
    [InlineData(0, "the file is empty")]
    [InlineData(7, "7 bytes are too few")]
    [InlineData(100, "the file is truncated: the header has")]
    public void A_file_cut_in_its_header_is_named(int length, string problem)
    {
        _writer.Write(_folder.Path);
        var bytes = File.ReadAllBytes(_folder["model.safetensors"]);
        File.WriteAllBytes(_folder["model.safetensors"], bytes[..length]);

        AssertError("model.safetensors", problem);
    }

    [Theory]
    [InlineData(100_000_001)]
    [InlineData(long.MaxValue)]
    [InlineData(-1)]
    public void An_absurd_header_length_is_refused(long length)
    {
        _writer.Write(_folder.Path);
        File.WriteAllBytes(_folder["model.safetensors"], [.. BitConverter.GetBytes(length), .. "{}"u8]);

        AssertError("model.safetensors", "is over the limit of 100000000");
    }

    [Theory]
    [InlineData("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12]}}", "tensors 'a' and 'b' overlap")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", "tensor 'a' is there twice")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,0]}}", "tensor 'a' has the impossible data_offsets [1, 0]")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[-1,0]}}", "tensor 'a' has the impossible data_offsets [-1, 0]")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0]}}", "tensor 'a' has the impossible data_offsets [0]")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[8,17]}}", "tensor 'a' ends at byte 17 of the data, of which the file has 16 bytes")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[-1],\"data_offsets\":[0,1]}}", "tensor 'a' has the impossible shape [-1]")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", "tensor 'a' has the impossible shape [4294967296, 4294967296]")]
    [InlineData("{\"a\":{\"dtype\":\"U8\",\"shape\":1,\"data_offsets\":[0,1]}}", "'a.shape' is not an array")]
    [InlineData("{\"a\":{\"shape\":[1],\"data_offsets\":[0,1]}}", "'a.dtype' is missing")]
    [InlineData("{\"a\":7}", "'a' is not an object")]
    [InlineData("{\"a\":{\"dtype\":\"\\udfff\"}}", "is not valid Unicode")]
    [InlineData("{\"\\udfff\":{}}", "is not valid Unicode")]
    [InlineData("nonsense", "is not valid JSON")]
    public void A_broken_header_is_named(string header, string problem)
    {
        _writer.Write(_folder.Path);
        File.WriteAllBytes(_folder["model.safetensors"], SafetensorsWriter.ToBytes(Encoding.UTF8.GetBytes(header), new byte[16]));

        AssertError("model.safetensors", problem);
    }

    [Theory]
    [InlineData("../model.safetensors")]
    [InlineData("/etc/passwd")]
    [InlineData("weights.bin")]
    public void A_shard_outside_of_the_folder_is_refused(string shard)
    {
        _writer.Write(_folder.Path, shards: 2);
        EditIndex(map => map["lm_head.weight"] = shard);

        AssertError("model.safetensors.index.json", $"tensor 'lm_head.weight' is in '{shard}'");
    }

    [Fact]
    public void A_missing_shard_is_named()
    {
        _writer.Write(_folder.Path, shards: 2);
        File.Delete(_folder["model-00002-of-00002.safetensors"]);

        AssertError("model-00002-of-00002.safetensors", "the file does not exist");
    }

    [Fact]
    public void A_tensor_that_is_not_in_its_shard_is_named()
    {
        _writer.Write(_folder.Path, shards: 2);
        EditIndex(map => map["model.elsewhere"] = "model-00001-of-00002.safetensors");

        AssertError("model-00001-of-00002.safetensors", "tensor 'model.elsewhere' is missing");
    }

    private void EditIndex(Action<JsonObject> edit)
    {
        var path = _folder["model.safetensors.index.json"];
        var index = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        edit(index["weight_map"]!.AsObject());
        File.WriteAllText(path, index.ToJsonString());
    }

    private void Replace(string name, Func<SafetensorsTensor, SafetensorsTensor> edit)
    {
        var i = _writer.Tensors.FindIndex(tensor => tensor.Name == name);
        _writer.Tensors[i] = edit(_writer.Tensors[i]);
        _writer.Write(_folder.Path);
    }

    private void AssertError(string file, string problem)
    {
        var error = Assert.Throws<ModelFormatException>(() => ModelFile.Open(_folder.Path));
        Assert.StartsWith($"'{_folder[file]}': ", error.Message);
        Assert.Contains(problem, error.Message);
    }
}
