using System.Text.Json.Nodes;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Weights;

/// <summary>What stands beside the weights: special tokens, sampling defaults, the chat template.</summary>
public sealed class ModelSettingsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FolderWriter _writer = RandomModel.Folder(RandomModel.Config(), 1);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Eos_tokens_are_those_of_both_config_files()
    {
        _writer.Config["eos_token_id"] = 5;
        _writer.GenerationConfig = new JsonObject { ["bos_token_id"] = 3, ["eos_token_id"] = new JsonArray(9, 5, 7) };

        using var model = Open();

        Assert.Equal([5, 7, 9], model.EosTokens);
        Assert.Equal(3, model.BosToken);
    }

    [Fact]
    public void A_model_may_have_neither_bos_nor_eos()
    {
        _writer.Config["bos_token_id"] = null;
        _writer.Config.Remove("eos_token_id");

        using var model = Open();

        Assert.Null(model.BosToken);
        Assert.Empty(model.EosTokens);
    }

    [Fact]
    public void Sampling_defaults_come_from_the_generation_config()
    {
        _writer.GenerationConfig = new JsonObject
        {
            ["do_sample"] = true,
            ["temperature"] = 0.6,
            ["top_p"] = 0.95,
            ["top_k"] = 20,
            ["min_p"] = 0.05,
            ["repetition_penalty"] = 1.1,
        };

        using var model = Open();

        Assert.Equal(
            new SamplingParameters { Temperature = 0.6f, TopP = 0.95f, TopK = 20, MinP = 0.05f, RepetitionPenalty = 1.1f },
            model.DefaultSampling);
    }

    [Fact]
    public void Sampling_settings_are_left_out_when_the_model_asks_not_to_sample()
    {
        _writer.GenerationConfig = new JsonObject { ["do_sample"] = false, ["temperature"] = 0.6 };

        using var model = Open();

        Assert.Equal(new SamplingParameters(), model.DefaultSampling);
    }

    [Theory]
    [InlineData("temperature", -1)]
    [InlineData("top_p", 0)]
    [InlineData("top_p", 1.5)]
    [InlineData("min_p", 2)]
    [InlineData("repetition_penalty", 0)]
    [InlineData("top_k", -2)]
    public void A_sampling_setting_out_of_range_is_named(string name, double value)
    {
        _writer.GenerationConfig = new JsonObject { [name] = value };

        var error = Assert.Throws<ModelFormatException>(Open);

        Assert.Contains($"generation_config.json': '{name}' is not", error.Message);
    }

    [Fact]
    public void A_chat_template_is_read_from_the_tokenizer_config()
    {
        _writer.TokenizerConfig = new JsonObject { ["chat_template"] = "{{ messages }}" };

        using var model = Open();

        Assert.Equal("{{ messages }}", model.ChatTemplate);
    }

    [Fact]
    public void Of_several_chat_templates_the_default_one_is_taken()
    {
        _writer.TokenizerConfig = new JsonObject
        {
            ["chat_template"] = new JsonArray(
                new JsonObject { ["name"] = "tool_use", ["template"] = "tools" },
                new JsonObject { ["name"] = "default", ["template"] = "plain" }),
        };

        using var model = Open();

        Assert.Equal("plain", model.ChatTemplate);
    }

    [Fact]
    public void A_separate_template_file_wins()
    {
        _writer.TokenizerConfig = new JsonObject { ["chat_template"] = "old" };
        File.WriteAllText(_folder["chat_template.jinja"], "new");

        using var model = Open();

        Assert.Equal("new", model.ChatTemplate);
    }

    [Fact]
    public void A_tokenizer_file_is_named_when_it_is_there()
    {
        File.WriteAllText(_folder["tokenizer.json"], "{}");

        using var model = Open();

        Assert.Equal(_folder["tokenizer.json"], model.TokenizerJsonPath);
    }

    [Fact]
    public void A_gguf_file_carries_its_template_and_special_tokens()
    {
        var gguf = RandomModel.Gguf(RandomModel.Config(), 1);
        gguf["tokenizer.chat_template"] = "{{ m }}";
        gguf["tokenizer.ggml.bos_token_id"] = 4u;
        gguf["tokenizer.ggml.eot_token_id"] = 8u;
        File.WriteAllBytes(_folder["m.gguf"], gguf.ToBytes());

        using var model = ModelFile.Open(_folder["m.gguf"]);

        Assert.Equal("{{ m }}", model.ChatTemplate);
        Assert.Equal(4, model.BosToken);
        Assert.Equal([2, 8], model.EosTokens);
        Assert.Equal("random", model.Name);
    }

    private ModelFile Open()
    {
        _writer.Write(_folder.Path);
        return ModelFile.Open(_folder.Path);
    }
}
