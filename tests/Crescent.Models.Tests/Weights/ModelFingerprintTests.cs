using System.Text.Json.Nodes;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

public sealed class ModelFingerprintTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderWriter _writer = RandomModel.Folder(RandomModel.Config(), 1);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_same_files_elsewhere_have_the_same_fingerprint()
    {
        _writer.Write(_folder["a"]);
        _writer.Write(_folder["b"]);

        Assert.Equal(await Compute("a"), await Compute("b"));
    }

    [Fact]
    public async Task Context_length_and_sharding_change_nothing()
    {
        _writer.Write(_folder["a"]);
        _writer.Config["max_position_embeddings"] = 99;
        _writer.Write(_folder["b"], shards: 2);

        Assert.Equal(await Compute("a"), await Compute("b"));
    }

    [Fact]
    public async Task One_bit_of_the_last_weight_changes_it()
    {
        _writer.Write(_folder["a"]);
        _writer.Tensors[^1].Data[^1] ^= 1;
        _writer.Write(_folder["b"]);

        Assert.NotEqual(await Compute("a"), await Compute("b"));
    }

    [Theory]
    [InlineData("rms_norm_eps", 1e-4)]
    [InlineData("rope_theta", 20_000.0)]
    public async Task A_constant_of_the_forward_pass_changes_it(string name, double value)
    {
        _writer.Write(_folder["a"]);
        _writer.Config[name] = value;
        _writer.Write(_folder["b"]);

        Assert.NotEqual(await Compute("a"), await Compute("b"));
    }

    [Fact]
    public async Task A_folders_tokenizer_changes_it()
    {
        _writer.Write(_folder["a"]);
        _writer.Write(_folder["b"]);
        File.WriteAllText(Path.Combine(_folder["b"], "tokenizer.json"), "{}");

        Assert.NotEqual(await Compute("a"), await Compute("b"));
    }

    [Theory]
    [InlineData("tokenizer.ggml.tokens", true)]
    [InlineData("tokenizer.chat_template", false)]
    public async Task A_gguf_files_tokenizer_changes_it_and_its_template_does_not(string key, bool changes)
    {
        var gguf = RandomModel.Gguf(RandomModel.Config(), 1);
        gguf["tokenizer.ggml.tokens"] = new[] { "a", "b" };
        gguf["tokenizer.chat_template"] = "c";
        File.WriteAllBytes(_folder["a"], gguf.ToBytes());
        gguf[key] = key.EndsWith("tokens", StringComparison.Ordinal) ? new[] { "a", "B" } : "C";
        File.WriteAllBytes(_folder["b"], gguf.ToBytes());

        Assert.Equal(changes, await Compute("a") != await Compute("b"));
    }

    [Fact]
    public async Task A_cached_one_is_not_computed_again()
    {
        _writer.Write(_folder["a"]);
        await Compute("a");
        var planted = new string('7', 64);
        EditCache(entry => entry["Fingerprint"] = planted);

        Assert.Equal(planted, await Compute("a"));
    }

    [Fact]
    public async Task A_cached_one_does_not_count_once_the_file_was_touched()
    {
        _writer.Write(_folder["a"]);
        var computed = await Compute("a");
        EditCache(entry => entry["Fingerprint"] = new string('7', 64));
        File.SetLastWriteTimeUtc(Path.Combine(_folder["a"], "model.safetensors"), new DateTime(2001, 1, 1, 0, 0, 0, DateTimeKind.Utc));

        Assert.Equal(computed, await Compute("a"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"Key\":null,\"Fingerprint\":null}")]
    public async Task A_broken_cache_entry_is_computed_anew(string content)
    {
        _writer.Write(_folder["a"]);
        var computed = await Compute("a");
        File.WriteAllText(CacheFile(), content);

        Assert.Equal(computed, await Compute("a"));
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_costs_nothing_but_time()
    {
        _writer.Write(_folder["a"]);
        var computed = await Compute("a");
        File.WriteAllText(_folder["file"], "in the way");
        using var model = ModelFile.Open(_folder["a"]);

        var again = await ModelFingerprint.ComputeAsync(model, _folder["file"], CancellationToken.None);

        Assert.Equal(computed, again.ToString());
    }

    [Fact]
    public async Task The_model_may_be_disposed_meanwhile()
    {
        _writer.Write(_folder["a"]);
        var model = ModelFile.Open(_folder["a"]);

        var computing = ModelFingerprint.ComputeAsync(model, _folder["cache"], CancellationToken.None);
        model.Dispose();

        Assert.Equal(32, (await computing).Bytes.Length);
    }

    [Fact]
    public async Task A_cancelled_computation_ends_as_cancelled()
    {
        _writer.Write(_folder["a"]);
        using var model = ModelFile.Open(_folder["a"]);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => ModelFingerprint.ComputeAsync(model, _folder["cache"], new CancellationToken(canceled: true)));
    }

    private async Task<string> Compute(string name)
    {
        using var model = ModelFile.Open(_folder[name]);
        return (await ModelFingerprint.ComputeAsync(model, _folder["cache"], CancellationToken.None)).ToString();
    }

    private string CacheFile() => Assert.Single(Directory.GetFiles(_folder["cache"]));

    private void EditCache(Action<JsonObject> edit)
    {
        var entry = JsonNode.Parse(File.ReadAllText(CacheFile()))!.AsObject();
        edit(entry);
        File.WriteAllText(CacheFile(), entry.ToJsonString());
    }
}
