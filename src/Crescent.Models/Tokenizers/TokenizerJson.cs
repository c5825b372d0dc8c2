using System.Text;
using System.Text.Json;
using Crescent.Models.Weights;

namespace Crescent.Models.Tokenizers;

/// <summary>Reads Hugging Face's <c>tokenizer.json</c>: BPE models, byte-level or SentencePiece-style.</summary>
public static class TokenizerJson
{
    // Ids index an array: a damaged file must not make it huge.
    private const int MaxTokens = 1 << 24;

    /// <param name="path">
    /// A <c>tokenizer.json</c>. If a <c>tokenizer_config.json</c> beside it is of class Llama, its <c>add_bos_token</c>
    /// and <c>add_eos_token</c> override the file's own post-processor, as they do in transformers.
    /// </param>
    /// <exception cref="ModelFormatException">Names the component that is broken, missing or not supported.</exception>
    public static ITokenizer Load(string path)
    {
        using var file = JsonFile.Open(path);
        using var config = JsonFile.OpenIfExists(Path.Combine(Path.GetDirectoryName(path) ?? "", "tokenizer_config.json"));
        var addedTokens = ReadAddedTokens(file.Root);
        var post = TokenizerJsonStages.ReadPostProcessor(file.Root.Optional("post_processor"));
        return Build(file.Root, addedTokens, config is null ? post : Override(post, config.Root, addedTokens));
    }

    private static BpeTokenizer Build(JsonField root, List<AddedToken> addedTokens, PostTemplate post)
    {
        var model = root.Required("model");
        var (preTokenizer, byteLevel) = TokenizerJsonStages.ReadPreTokenizer(root.Optional("pre_tokenizer"));
        var decoding = TokenizerJsonStages.ReadDecoder(root.Optional("decoder"), byteLevel);
        RejectUnknown(model);
        var vocabulary = ReadVocabulary(model);
        var merges = new BpeMerges(ReadMerges(model, vocabulary));
        int? unknown = model.Optional("unk_token")?.Text() is { } text && vocabulary.TryGetValue(text, out var id) ? id : null;

        return new BpeTokenizer(new BpeTokenizerParts
        {
            Vocabulary = vocabulary,
            Tokens = BuildTable(root.File, vocabulary, addedTokens, decoding),
            AddedTokens = addedTokens,
            Normalizer = TokenizerJsonStages.ReadNormalizer(root.Optional("normalizer")),
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

    private static void RejectUnknown(JsonField model)
    {
        // Files before version 0.9 of the format have no type; those with merges are BPE.
        var type = model.Optional("type")?.Text() ?? (model.Optional("merges") is null ? "of unknown type" : "BPE");
        if (type != "BPE")
        {
            throw model.Unsupported(type);
        }

        foreach (var name in (string[])["continuing_subword_prefix", "end_of_word_suffix"])
        {
            if (model.Optional(name)?.Text() is { Length: > 0 } value)
            {
                throw model.Unsupported($"of {name} '{value}'");
            }
        }
    }

    private static Dictionary<string, int> ReadVocabulary(JsonField model)
    {
        var vocabulary = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (text, id) in model.Required("vocab").Fields())
        {
            vocabulary[text] = id.NonNegative();
        }

        return vocabulary;
    }

    private static List<Merge> ReadMerges(JsonField model, Dictionary<string, int> vocabulary)
    {
        var merges = new List<Merge>();
        var tokens = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (var entry in model.Required("merges").Items())
        {
            var (joint, cut) = ReadPair(entry, merges.Count);
            if (!tokens.TryGetValue(joint.AsSpan(0, cut), out var left)
                || !tokens.TryGetValue(joint.AsSpan(cut), out var right)
                || !tokens.TryGetValue(joint, out var result))
            {
                throw new ModelFormatException(
                    model.File, $"'model.merges[{merges.Count}]' ({joint[..cut]} + {joint[cut..]}) names a token that is not in 'model.vocab'");
            }

            merges.Add(new Merge(left, right, result, merges.Count));
        }

        return merges;
    }

    /// <summary>A merge is <c>"a b"</c> or <c>["a", "b"]</c>.</summary>
    /// <returns>Both parts together, and where the second begins.</returns>
    private static (string Joint, int Cut) ReadPair(JsonField entry, int index)
    {
        if (entry.Element.ValueKind == JsonValueKind.String)
        {
            var text = entry.Text();
            var space = text.IndexOf(' ');
            if (space >= 0 && space == text.LastIndexOf(' '))
            {
                return (text.Remove(space, 1), space);
            }
        }

        if (entry.Element.ValueKind == JsonValueKind.Array && entry.Items().ToArray() is [var left, var right])
        {
            return (left.Text() + right.Text(), left.Text().Length);
        }

        throw new ModelFormatException(entry.File, $"'model.merges[{index}]' is not a pair of tokens");
    }

    private static List<AddedToken> ReadAddedTokens(JsonField root)
    {
        var tokens = new List<AddedToken>();
        foreach (var token in root.Optional("added_tokens")?.Items() ?? [])
        {
            var special = token.Flag("special");
            tokens.Add(new AddedToken
            {
                Id = token.Required("id").NonNegative(),
                Content = token.Required("content").Text(),
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
        string file, Dictionary<string, int> vocabulary, List<AddedToken> addedTokens, Decoding decoding)
    {
        var highest = vocabulary.Values.Concat(addedTokens.Select(t => t.Id)).DefaultIfEmpty(-1).Max();
        if (highest >= MaxTokens)
        {
            throw new ModelFormatException(file, $"token id {highest} is not below {MaxTokens}");
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

    private static PostTemplate Override(PostTemplate post, JsonField config, List<AddedToken> addedTokens)
    {
        if (config.Optional("tokenizer_class")?.Text().StartsWith("Llama", StringComparison.Ordinal) != true)
        {
            return post;
        }

        return new PostTemplate(
            Ids(config, "bos", addedTokens) ?? post.Prefix,
            Ids(config, "eos", addedTokens) ?? post.Suffix);
    }

    /// <summary>The ids that the switch <c>add_*_token</c> asks for, or null when there is no switch.</summary>
    private static IReadOnlyList<int>? Ids(JsonField config, string name, List<AddedToken> addedTokens)
    {
        if (config.Optional($"add_{name}_token")?.Flag() is not { } added)
        {
            return null;
        }

        if (!added)
        {
            return [];
        }

        // The token is a string or an object with its content.
        var token = config.Required($"{name}_token");
        var spelling = (token.Element.ValueKind == JsonValueKind.Object ? token.Required("content") : token).Text();
        return addedTokens.Find(t => t.Content == spelling) is { } found
            ? [found.Id]
            : throw token.Wrong("among the added tokens of tokenizer.json");
    }
}
