using System.Text.Json.Nodes;
using Crescent.Models.Tokenizers;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>Small tokenizers, written as a tokenizer.json and read by the loader.</summary>
internal static class TestTokenizer
{
    public const int Bos = 1000;
    public const int End = 1001;

    /// <summary>
    /// 256 byte tokens, then the merges' results in order. Added: <c>&lt;s&gt;</c> (special, BOS), <c>&lt;/s&gt;</c>
    /// (special), and what <paramref name="change"/> does to the file.
    /// </summary>
    public static ITokenizer ByteLevel(string[] merges, Action<JsonObject>? change = null) =>
        Load(ByteLevelJson(merges), change);

    /// <summary>Characters <c>▁ a b c</c>, the 256 byte tokens, then the merges' results; Llama-2's stages.</summary>
    public static ITokenizer SentencePieceLike(string[] merges, Action<JsonObject>? change = null)
    {
        var vocabulary = new JsonObject { ["<unk>"] = 0 };
        foreach (var text in Enumerable.Range(0, 256).Select(b => $"<0x{b:X2}>").Concat(["\u2581", "a", "b", "c"]))
        {
            vocabulary[text] = vocabulary.Count;
        }

        AddResults(vocabulary, merges);
        return Load(
            new JsonObject
            {
                ["added_tokens"] = AddedTokens(),
                ["normalizer"] = Parse("""
                    {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"},
                      {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
                    """),
                ["post_processor"] = Template(),
                ["decoder"] = Parse("""
                    {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
                      {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
                    """),
                ["model"] = new JsonObject
                {
                    ["type"] = "BPE",
                    ["unk_token"] = "<unk>",
                    ["fuse_unk"] = true,
                    ["byte_fallback"] = true,
                    ["vocab"] = vocabulary,
                    ["merges"] = new JsonArray([.. merges.Select(m => JsonValue.Create(m))]),
                },
            },
            change);
    }

    public static JsonNode Parse(string json) => JsonNode.Parse(json)!;

    public static ITokenizer Load(JsonObject file, Action<JsonObject>? change = null, string? config = null)
    {
        change?.Invoke(file);
        var folder = Directory.CreateTempSubdirectory("tokenizer");
        try
        {
            var path = Path.Combine(folder.FullName, "tokenizer.json");
            File.WriteAllText(path, file.ToJsonString());
            if (config is not null)
            {
                File.WriteAllText(Path.Combine(folder.FullName, "tokenizer_config.json"), config);
            }

            return TokenizerJson.Load(path);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    public static JsonObject ByteLevelJson(params string[] merges)
    {
        var vocabulary = new JsonObject();
        for (var b = 0; b < 256; b++)
        {
            vocabulary[ByteAlphabet.ToChar((byte)b).ToString()] = b;
        }

        AddResults(vocabulary, merges);
        return new JsonObject
        {
            ["added_tokens"] = AddedTokens(),
            ["pre_tokenizer"] = Parse("""{"type": "ByteLevel", "add_prefix_space": false, "use_regex": true}"""),
            ["post_processor"] = Template(),
            ["decoder"] = Parse("""{"type": "ByteLevel"}"""),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE",
                ["vocab"] = vocabulary,
                ["merges"] = new JsonArray([.. merges.Select(m => JsonValue.Create(m))]),
            },
        };
    }

    private static void AddResults(JsonObject vocabulary, string[] merges)
    {
        foreach (var merge in merges)
        {
            vocabulary[merge.Replace(" ", "", StringComparison.Ordinal)] = vocabulary.Count;
        }
    }

    private static JsonArray AddedTokens() => Parse($$"""
        [{"id": {{Bos}}, "content": "<s>", "special": true}, {"id": {{End}}, "content": "</s>", "special": true}]
        """).AsArray();

    private static JsonObject Template() => new()
    {
        ["type"] = "TemplateProcessing",
        ["single"] = Parse("""[{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]"""),
        ["special_tokens"] = new JsonObject { ["<s>"] = new JsonObject { ["ids"] = new JsonArray(Bos) } },
    };
}
