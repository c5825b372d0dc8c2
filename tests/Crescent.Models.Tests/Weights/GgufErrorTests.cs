using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

/// <summary>What is wrong with a GGUF file comes as one sentence that names the file and the thing.</summary>
public sealed class GgufErrorTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly GgufWriter _writer = RandomModel.Gguf(RandomModel.Config(), 1);

    public static TheoryData<string, object?, string> Metadata => new()
    {
        { "general.architecture", null, "'general.architecture' is missing" },
        { "general.architecture", "gemma", "architecture 'gemma' is not supported" },
        { "general.architecture", 7u, "'general.architecture' is not a string" },
        { "general.alignment", 48u, "'general.alignment' is not a power of two" },
        { "general.alignment", "32", "'general.alignment' is not a power of two" },
        { "llama.block_count", null, "'llama.block_count' is missing" },
        { "llama.block_count", 0u, "'llama.block_count' is not a positive integer" },
        { "llama.block_count", uint.MaxValue, "'llama.block_count' is not a 32-bit integer" },
        { "llama.block_count", 4u, "tensor 'blk.3.attn_norm.weight' is missing" },
        { "llama.embedding_length", 1.5f, "'llama.embedding_length' is not a 32-bit integer" },
        { "llama.embedding_length", 32u, "has the shape [160, 64] where the configuration wants [160, 32]" },
        { "llama.attention.head_count_kv", 4u, "6 attention heads are not a multiple of 4 KV heads" },
        { "llama.attention.key_length", null, "is not a multiple of 6 heads, and there is no key_length" },
        { "llama.attention.value_length", 8u, "'llama.attention.value_length' 8 other than the head dimension 16" },
        { "llama.rope.dimension_count", 8u, "'llama.rope.dimension_count' 8 other than the head dimension 16" },
        { "llama.attention.layer_norm_rms_epsilon", float.NaN, "layer_norm_rms_epsilon' is not a positive number" },
        { "llama.rope.freq_base", -1f, "'llama.rope.freq_base' is not a positive number" },
        { "llama.rope.scaling.type", "yarn", "rope type 'yarn' is not supported" },
        { "llama.rope.scaling.type", "linear", "rope type 'linear' is not supported" },
        { "llama.rope.scale_linear", 4f, "rope type 'linear' is not supported" },
        { "llama.expert_count", 8u, "a mixture of 8 experts is not supported" },
        { "tokenizer.ggml.bos_token_id", 160u, "token 160 is outside of the vocabulary of 160" },
        { "tokenizer.ggml.tokens", new string[161], "the tokenizer has 161 tokens and tensor 'token_embd.weight' 160 rows" },
        { "tokenizer.ggml.tokens", new float[3], "'tokenizer.ggml.tokens' is not an array of strings" },
    };

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Metadata))]
    public void A_value_that_cannot_be_served_is_named(string key, object? value, string problem)
    {
        if (value is string[] texts)
        {
            Array.Fill(texts, "t");
        }

        _writer[key] = value;

        AssertError(_writer.ToBytes(), problem);
    }

    [Theory]
    [InlineData("token_embd.weight")]
    [InlineData("blk.2.ffn_down.weight")]
    public void A_missing_tensor_is_named(string name)
    {
        _writer.Tensors.RemoveAll(tensor => tensor.Name == name);

        AssertError(_writer.ToBytes(), $"tensor '{name}' is missing");
    }

    [Fact]
    public void An_unsupported_dtype_is_named()
    {
        Replace("blk.0.attn_q.weight", tensor => tensor with { Type = 13 });

        AssertError(_writer.ToBytes(), "tensor 'blk.0.attn_q.weight' has the unsupported dtype Q5_K");
    }

    [Fact]
    public void A_quantised_norm_is_refused()
    {
        Replace("output_norm.weight", tensor => tensor with { Type = 8, Data = new byte[68] });

        AssertError(_writer.ToBytes(), "tensor 'output_norm.weight' has the unsupported dtype Q8_0");
    }

    [Fact]
    public void Quantised_rows_that_are_not_whole_runs_are_named()
    {
        Replace("blk.0.attn_q.weight", tensor => tensor with { Type = 8, Shape = [64, 96 + 8] });

        AssertError(_writer.ToBytes(), "tensor 'blk.0.attn_q.weight' has rows of 104 elements, which are not whole runs of Q8_0");
    }

    [Fact]
    public void A_mis_shaped_tensor_is_named_with_both_shapes()
    {
        Replace("blk.0.attn_k.weight", tensor => tensor with { Shape = [64, 32] });

        AssertError(_writer.ToBytes(), "tensor 'blk.0.attn_k.weight' has the shape [64, 32] where the configuration wants [32, 64]");
    }

    [Fact]
    public void An_embedding_that_is_not_a_matrix_is_named()
    {
        Replace("token_embd.weight", tensor => tensor with { Shape = [160 * 64] });

        AssertError(_writer.ToBytes(), "tensor 'token_embd.weight' has the shape [10240] where [vocabulary, hidden] is wanted");
    }

    [Theory]
    [InlineData(new[] { 1f, 2f }, "has the shape [2] where the configuration wants [8]")]
    [InlineData(new[] { 1f, 2f, 3f, 0f, 5f, 6f, 7f, 8f }, "has a value that is not a positive number")]
    [InlineData(new[] { 1f, 2f, 3f, float.NaN, 5f, 6f, 7f, 8f }, "has a value that is not a positive number")]
    public void Rope_divisors_that_cannot_divide_are_named(float[] divisors, string problem)
    {
        _writer.Tensors.Add(new("rope_freqs.weight", 0, [divisors.Length], WeightEncoding.Encode(divisors, DType.F32)));

        AssertError(_writer.ToBytes(), "tensor 'rope_freqs.weight' " + problem);
    }

    [Fact]
    public void A_name_used_twice_is_named()
    {
        _writer.Tensors.Add(_writer.Tensors[0]);

        AssertError(_writer.ToBytes(), "tensor 'token_embd.weight' is there twice");
    }

    [Fact]
    public void A_key_used_twice_is_named()
    {
        _writer.Metadata.Add(_writer.Metadata[0]);

        AssertError(_writer.ToBytes(), "key 'general.architecture' is there twice");
    }

    [Fact]
    public void Too_many_dimensions_are_named()
    {
        _writer.Tensors.Add(new("odd", 0, [1, 1, 1, 1, 1], new byte[4]));

        AssertError(_writer.ToBytes(), "tensor 'odd' has 5 dimensions");
    }

    [Theory]
    [InlineData(new[] { long.MaxValue, 8 })]
    [InlineData(new[] { 8, -1L })]
    public void An_impossible_shape_is_named(long[] shape)
    {
        _writer.Tensors.Add(new("odd", 0, shape, new byte[4]));

        AssertError(_writer.ToBytes(), "tensor 'odd' has the impossible shape");
    }

    [Fact]
    public void A_tensor_past_the_end_is_named()
    {
        _writer.Tensors.Add(new("odd", 0, [1000], new byte[4]));

        AssertError(_writer.ToBytes(), "tensor 'odd' has 4000 bytes at");
    }

    [Fact]
    public void Overlapping_tensors_are_named()
    {
        Replace("token_embd.weight", tensor => tensor with { Data = tensor.Data[..1024] });

        AssertError(_writer.ToBytes(), "tensors 'token_embd.weight' and 'blk.0.attn_norm.weight' overlap");
    }

    [Fact]
    public void A_file_cut_by_one_byte_names_the_tensor()
    {
        AssertError(_writer.ToBytes()[..^1], "tensor 'output.weight' has 40960 bytes at");
    }

    [Theory]
    [InlineData(0, "the file is empty")]
    [InlineData(6, "4 bytes at 4 do not fit the file, which is truncated at 6 bytes")]
    [InlineData(200, "do not fit the file, which is truncated at 200 bytes")]
    public void A_file_cut_in_its_header_is_named(int length, string problem) =>
        AssertError(_writer.ToBytes()[..length], problem);

    [Fact]
    public void An_offset_off_the_alignment_is_named()
    {
        var bytes = _writer.ToBytes();
        var name = "output_norm.weight"u8;
        var start = bytes.AsSpan().IndexOf(name) + name.Length;
        bytes[start + 4 + 8 + 4]++;

        AssertError(bytes, "tensor 'output_norm.weight' is at");
    }

    [Theory]
    [InlineData(1u)]
    [InlineData(4u)]
    [InlineData(0x03000000u)]
    public void A_version_that_is_not_read_is_named(uint version)
    {
        var bytes = _writer.ToBytes();
        BitConverter.TryWriteBytes(bytes.AsSpan(4), version);

        AssertError(bytes, $"GGUF version {version} is not supported");
    }

    [Theory]
    [InlineData(8, "tensors do not fit the")]
    [InlineData(16, "key-value pairs do not fit the")]
    [InlineData(24, "do not fit the")]
    public void An_absurd_count_is_refused_before_memory_is_taken(int position, string problem)
    {
        var bytes = _writer.ToBytes();
        BitConverter.TryWriteBytes(bytes.AsSpan(position), ulong.MaxValue / 2);

        AssertError(bytes, problem);
    }

    [Theory]
    [InlineData(8, "2000000 tensors do not fit the file")]
    [InlineData(16, "2000000 key-value pairs do not fit the file")]
    public void A_count_the_file_has_no_room_for_is_refused_before_memory_is_taken(int position, string problem)
    {
        var bytes = _writer.ToBytes();
        BitConverter.TryWriteBytes(bytes.AsSpan(position), 2_000_000UL);

        AssertError(bytes, problem);
    }

    [Fact]
    public void Another_kind_of_file_is_named()
    {
        AssertError("PK\u0003\u0004 and so on"u8.ToArray(), "is not a GGUF file");
    }

    private void Replace(string name, Func<GgufTensor, GgufTensor> edit)
    {
        var i = _writer.Tensors.FindIndex(tensor => tensor.Name == name);
        _writer.Tensors[i] = edit(_writer.Tensors[i]);
    }

    private void AssertError(byte[] file, string problem)
    {
        var path = _folder["m.gguf"];
        File.WriteAllBytes(path, file);
        var error = Assert.Throws<ModelFormatException>(() => ModelFile.Open(path));
        Assert.StartsWith($"'{path}': ", error.Message);
        Assert.Contains(problem, error.Message);
    }
}
