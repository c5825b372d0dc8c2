using System.Text.Json.Nodes;
using Crescent.Testing;

namespace Crescent.Cli.Tests.Support;

/// <summary>A model folder of random weights over single bytes, which can be told to have a ChatML template.</summary>
public static class ChatModel
{
    private const int FirstByte = 5;

    private static readonly string[] Specials = ["<unk>", "<s>", "</s>", "<|im_start|>", "<|im_end|>"];

    /// <param name="contextLength">In tokens; a character of ASCII is one.</param>
    /// <param name="endless">Whether no token ends an answer.</param>
    public static void Write(string folder, bool chat = true, int contextLength = 512, bool endless = false)
    {
        var config = RandomModel.Config() with { VocabularySize = FirstByte + 256, ContextLength = contextLength };
        var writer = RandomModel.Folder(config, seed: 7);
        if (endless)
        {
            writer.Config.Remove("eos_token_id");
        }

        if (chat)
        {
            writer.TokenizerConfig = new JsonObject { ["chat_template"] = "{{ '<|im_start|>' }}" };
        }

        writer.Write(folder);
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Tokenizer().ToJsonString());
    }

    private static JsonObject Tokenizer()
    {
        var vocabulary = new JsonObject();
        var added = new JsonArray();
        for (int id = 0; id < Specials.Length; id++)
        {
            vocabulary.Add(Specials[id], id);
            added.Add(new JsonObject { ["id"] = id, ["content"] = Specials[id], ["special"] = true });
        }

        for (int value = 0; value < 256; value++)
        {
            vocabulary.Add($"<0x{value:X2}>", FirstByte + value);
        }

        return new JsonObject
        {
            ["added_tokens"] = added,
            ["decoder"] = new JsonObject
            {
                ["type"] = "Sequence",
                ["decoders"] = new JsonArray(
                    new JsonObject
                    {
                        ["type"] = "Replace",
                        ["pattern"] = new JsonObject { ["String"] = "▁" },
                        ["content"] = " ",
                    },
                    new JsonObject { ["type"] = "ByteFallback" },
                    new JsonObject { ["type"] = "Fuse" }),
            },
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["unk_token"] = "<unk>",
                ["byte_fallback"] = true,
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray(),
            },
        };
    }
}
