using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Crescent.Models.Tokenizers;

/// <summary>Reads Hugging Face's <c>tokenizer.json</c>: BPE models, byte-level or SentencePiece-style.</summary>
public static class TokenizerJson
{
    // Ids index an array: a damaged file must not make it huge.
    private const int MaxTokens = 1 << 24;

    /// <param name="path">A <c>tokenizer.json</c>.</param>
    /// <param name="configPath">
    /// Its <c>tokenizer_config.json</c>: for tokenizers of class Llama, <c>add_bos_token</c> and <c>add_eos_token</c>
    /// there override the file's own post-processor, as they do in transformers. Default: none.
    /// </param>
    /// <exception cref="InvalidDataException">A part is missing or contradicts another; the message names it.</exception>
    /// <exception cref="NotSupportedException">A component that this reader does not know; the message names it.</exception>
    public static ITokenizer Load(string path, string? configPath = null)
    {
        using var file = Parse(path);
        var root = file.RootElement;
        var addedTokens = ReadAddedTokens(root);
        var post = TokenizerJsonStages.ReadPostProcessor(root.Member("post_processor"));
        if (configPath is not null)
        {
            using var config = Parse(configPath);
            post = Override(post, config.RootElement, addedTokens);
        }

        return Build(root, addedTokens, post);
    }

    private static JsonDocument Parse(string path)
    {
        using var stream = File.OpenRead(path);
        try
        {
            var document = JsonDocument.Parse(stream);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document
                : throw new InvalidDataException($"{Path.GetFileName(path)} is not a JSON object");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"{Path.GetFileName(path)} is not valid JSON: {e.Message}", e);
        }
    }

    private static BpeTokenizer Build(JsonElement root, List<AddedToken> addedTokens, PostTemplate post)
    {
        var model = root.Required("model", JsonValueKind.Object, "$");
        var (preTokenizer, byteLevel) = TokenizerJsonStages.ReadPreTokenizer(root.Member("pre_tokenizer"));
        var decoding = TokenizerJsonStages.ReadDecoder(root.Member("decoder"), byteLevel);
        RejectUnknown(model);
        var vocabulary = ReadVocabulary(model);
        var merges = new BpeMerges(ReadMerges(model, vocabulary));
        int? unknown = model.Text("unk_token") is { } text && vocabulary.TryGetValue(text, out var id) ? id : null;

        return new BpeTokenizer(new BpeTokenizerParts
        {
            Vocabulary = vocabulary,
            Tokens = BuildTable(vocabulary, addedTokens, decoding),
            AddedTokens = addedTokens,
            Normalizer = TokenizerJsonStages.ReadNormalizer(root.Member("normalizer")),
            PreTokenizer = preTokenizer,
            Model = byteLevel
                ? new ByteLevelBpe(merges, vocabulary, unknown, model.Flag("ignore_merges"))
                : new CharacterBpe(
                    merges,
                    vocabulary,
                    model.Flag("byte_fallback") ? SentencePiece.ByteTokens(vocabulary) : null,
                    unknown,
                    model.Flag("fuse_unk")),
            Prefix = post.Prefix,
            Suffix = post.Suffix,
            StripLeadingSpaces = decoding.StripLeadingSpaces,
        });
    }

    private static void RejectUnknown(JsonElement model)
    {
        // Files before version 0.9 of the format have no type; those with merges are BPE.
        var type = model.Text("type") ?? (model.Member("merges") is null ? "of unknown type" : "BPE");
        if (type != "BPE")
        {
            throw JsonReading.Unsupported("model.type", type);
        }

        foreach (var name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Text(name) is { Length: > 0 } value)
            {
                throw JsonReading.Unsupported($"model.{name}", $"'{value}'");
            }
        }
    }

    private static Dictionary<string, int> ReadVocabulary(JsonElement model)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in model.Required("vocab", JsonValueKind.Object, "model").EnumerateObject())
        {
            vocabulary[token.Name] = token.Value.AsInt($"model.vocab.{token.Name}");
        }

        return vocabulary;
    }

    private static List<Merge> ReadMerges(JsonElement model, Dictionary<string, int> vocabulary)
    {
        var merges = new List<Merge>();
        var tokens = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var entry in model.Items("merges", "model"))
        {
            var (joint, cut) = ReadPair(entry, merges.Count);
            if (!tokens.TryGetValue(joint.AsSpan(0, cut), out var left)
                || !tokens.TryGetValue(joint.AsSpan(cut), out var right)
                || !tokens.TryGetValue(joint, out var result))
            {
                throw new InvalidDataException(
                    $"tokenizer.json: 'model.merges[{merges.Count}]' ({joint[..cut]} + {joint[cut..]}) names a token that is not in 'model.vocab'");
            }

            merges.Add(new Merge(left, right, result, merges.Count));
        }

        return merges;
    }

    /// <summary>A merge is <c>"a b"</c> or <c>["a", "b"]</c>.</summary>
    /// <returns>Both parts together, and where the second begins.</returns>
    private static (string Joint, int Cut) ReadPair(JsonElement entry, int index)
    {
        if (entry.ValueKind == JsonValueKind.String)
        {
            var text = entry.GetString()!;
            var space = text.IndexOf(' ');
            if (space >= 0 && space == text.LastIndexOf(' '))
            {
                return (text.Remove(space, 1), space);
            }
        }

        if (entry.ValueKind == JsonValueKind.Array
            && entry.GetArrayLength() == 2
            && entry.EnumerateArray().All(e => e.ValueKind == JsonValueKind.String))
        {
            var left = entry[0].GetString()!;
            return (left + entry[1].GetString(), left.Length);
        }

        throw new InvalidDataException($"tokenizer.json: 'model.merges[{index}]' is not a pair of tokens");
    }

    private static List<AddedToken> ReadAddedTokens(JsonElement root)
    {
        var tokens = new List<AddedToken>();
        if (root.Member("added_tokens") is null)
        {
            return tokens;
        }

        foreach (var token in root.Items("added_tokens", "$"))
        {
            var special = token.Flag("special");
            tokens.Add(new AddedToken
            {
                Id = token.RequiredInt("id", "added_tokens[]"),
                Content = token.RequiredString("content", "added_tokens[]"),
                Special = special,
                SingleWord = token.Flag("single_word"),
                StripsLeft = token.Flag("lstrip"),
                StripsRight = token.Flag("rstrip"),
                Normalized = token.Flag("normalized", fallback: !special),
            });
        }

        return tokens;
    }

    private static TokenTable BuildTable(
        Dictionary<string, int> vocabulary, List<AddedToken> addedTokens, Decoding decoding)
    {
        var highest = vocabulary.Values.Concat(addedTokens.Select(t => t.Id)).DefaultIfEmpty(-1).Max();
        if (highest >= MaxTokens)
        {
            throw new InvalidDataException(string.Create(
                CultureInfo.InvariantCulture, $"tokenizer.json: token id {highest} is not below {MaxTokens}"));
        }

        var bytes = new byte[]?[highest + 1];
        foreach (var (text, id) in vocabulary)
        {
            bytes[id] = decoding.Bytes(text);
        }

        foreach (var token in addedTokens)
        {
            bytes[token.Id] = Encoding.UTF8.GetBytes(decoding.Spaced(token.Content));
        }

        return new TokenTable(bytes, addedTokens.Where(t => t.Special).Select(t => t.Id));
    }

    private static PostTemplate Override(PostTemplate post, JsonElement config, List<AddedToken> addedTokens)
    {
        if (config.Text("tokenizer_class")?.StartsWith("Llama", StringComparison.Ordinal) != true)
        {
            return post;
        }

        return new PostTemplate(
            Ids(config, "bos", addedTokens) ?? post.Prefix,
            Ids(config, "eos", addedTokens) ?? post.Suffix);
    }

    /// <summary>The ids that the switch <c>add_*_token</c> asks for, or null when there is no switch.</summary>
    private static IReadOnlyList<int>? Ids(JsonElement config, string name, List<AddedToken> addedTokens)
    {
        if (config.Member($"add_{name}_token") is not { ValueKind: JsonValueKind.True or JsonValueKind.False } flag)
        {
            return null;
        }

        // The token is a string or an object with its content.
        var spelling = config.Text($"{name}_token") ?? config.Member($"{name}_token")?.Text("content");
        if (!flag.GetBoolean())
        {
            return [];
        }

        return addedTokens.Find(t => t.Content == spelling) is { } token
            ? [token.Id]
            : throw new InvalidDataException(
                $"tokenizer_config.json: '{name}_token' ({spelling ?? "null"}) is not among the added tokens of tokenizer.json");
    }
}
