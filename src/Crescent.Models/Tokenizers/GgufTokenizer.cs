using System.Text;
using Crescent.Models.Weights;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// Reads the tokenizer in a GGUF file's metadata: models <c>gpt2</c> (byte-level BPE) and <c>llama</c>
/// (SentencePiece BPE). Defaults of absent keys are llama.cpp's.
/// </summary>
public static class GgufTokenizer
{
    private const string Prefix = "tokenizer.ggml.";

    // Longer tokens would make the search for their merges, which is quadratic in this, slow.
    private const int MaxMergedLength = 1024;

    private enum TokenType
    {
        Normal = 1,
        Unknown = 2,
        Control = 3,
        UserDefined = 4,
        Unused = 5,
        Byte = 6,
    }

    /// <param name="metadata">
    /// Keys and values as the file has them: numbers of their exact type, strings, booleans, and arrays of those.
    /// </param>
    /// <param name="file">Named in errors.</param>
    /// <exception cref="ModelFormatException">Names the key that is missing, wrong or of a kind that is not supported.</exception>
    public static ITokenizer Load(IReadOnlyDictionary<string, object> metadata, string file)
    {
        var pairs = new GgufMetadata(file, metadata);
        return Required<string>(pairs, "model") switch
        {
            "gpt2" => LoadByteLevel(pairs),
            "llama" => LoadSentencePiece(pairs),
            var model => throw new ModelFormatException(file, $"'{Prefix}model' is {model}, which is not supported"),
        };
    }

    private static BpeTokenizer LoadByteLevel(GgufMetadata metadata)
    {
        var (tokens, types) = ReadTokens(metadata);
        var pre = GgufPreTokenizer.Named(Optional(metadata, "pre", "default"))
            ?? throw new ModelFormatException(metadata.File, $"'{Prefix}pre' is {Optional(metadata, "pre", "")}, which is not supported");
        var vocabulary = Vocabulary(tokens, types, _ => true);
        var merges = new BpeMerges(ReadMerges(metadata, vocabulary));
        var plain = Vocabulary(tokens, types, IsText);
        return new BpeTokenizer(new BpeTokenizerParts
        {
            // All others but bytes are among the added tokens, which are looked up first.
            Vocabulary = types.Contains(TokenType.Byte) ? vocabulary : plain,
            Tokens = BuildTable(tokens, types, new Decoding { ByteLevel = true }),
            AddedTokens = AddedTokens(tokens, types),
            Normalizer = pre.Normalizer,
            PreTokenizer = new PreTokenizer { Splitters = pre.Splitters },
            Model = new ByteLevelBpe(merges, plain, unknown: null, pre.IgnoresMerges),
            Prefix = Edge(metadata, "bos", pre.AddsBos, tokens.Length),
            Suffix = Edge(metadata, "eos", fallback: false, tokens.Length),
        });
    }

    private static BpeTokenizer LoadSentencePiece(GgufMetadata metadata)
    {
        var (tokens, types) = ReadTokens(metadata);
        var text = Vocabulary(tokens, types, IsText);
        var bytes = Vocabulary(tokens, types, type => type is TokenType.Byte);
        var merges = new BpeMerges(ScoredMerges(metadata, text, tokens.Length));
        var prefix = Optional(metadata, "add_space_prefix", true);
        var escape = new ReplaceNormalizer(" ", SentencePiece.Space.ToString());
        var decoding = new Decoding { ByteFallback = true, SpaceReplacement = SentencePiece.Space.ToString() };
        return new BpeTokenizer(new BpeTokenizerParts
        {
            Vocabulary = Vocabulary(tokens, types, _ => true),
            Tokens = BuildTable(tokens, types, decoding),
            AddedTokens = AddedTokens(tokens, types),
            Normalizer = prefix
                ? new SequenceNormalizer([new PrependNormalizer(SentencePiece.Space.ToString()), escape])
                : escape,
            PreTokenizer = new PreTokenizer(),
            Model = new CharacterBpe(
                merges, text, SentencePiece.ByteTokens(bytes), OptionalId(metadata, "unknown", tokens.Length), fuseUnknown: true),
            Prefix = Edge(metadata, "bos", fallback: true, tokens.Length),
            Suffix = Edge(metadata, "eos", fallback: false, tokens.Length),
            StripLeadingSpaces = prefix ? 1 : 0,
        });
    }

    private static (string[] Tokens, TokenType[] Types) ReadTokens(GgufMetadata metadata)
    {
        var tokens = Required<string[]>(metadata, "tokens");
        var types = Optional<int[]>(metadata, "token_type", []).Select(type => (TokenType)type).ToArray();
        if (types.Length == 0)
        {
            types = new TokenType[tokens.Length];
            Array.Fill(types, TokenType.Normal);
        }

        return types.Length == tokens.Length
            ? (tokens, types)
            : throw new ModelFormatException(
                metadata.File, $"'{Prefix}token_type' has {types.Length} entries for {tokens.Length} tokens");
    }

    /// <summary>What merges may make of a text; control and byte tokens cannot be spelled in one.</summary>
    private static bool IsText(TokenType type) => type is TokenType.Normal or TokenType.UserDefined or TokenType.Unused;

    private static bool IsSpecial(TokenType type) => type is TokenType.Control or TokenType.Unknown;

    /// <summary>The chosen tokens by spelling; of two with one spelling the first counts.</summary>
    private static Dictionary<string, int> Vocabulary(string[] tokens, TokenType[] types, Func<TokenType, bool> chosen)
    {
        var vocabulary = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        for (var id = 0; id < tokens.Length; id++)
        {
            if (chosen(types[id]))
            {
                vocabulary.TryAdd(tokens[id], id);
            }
        }

        return vocabulary;
    }

    private static List<AddedToken> AddedTokens(string[] tokens, TokenType[] types)
    {
        var added = new List<AddedToken>();
        for (var id = 0; id < tokens.Length; id++)
        {
            if (IsSpecial(types[id]) || types[id] is TokenType.UserDefined)
            {
                added.Add(new AddedToken { Id = id, Content = tokens[id], Special = IsSpecial(types[id]) });
            }
        }

        return added;
    }

    private static TokenTable BuildTable(string[] tokens, TokenType[] types, Decoding decoding)
    {
        var bytes = new byte[]?[tokens.Length];
        for (var id = 0; id < tokens.Length; id++)
        {
            bytes[id] = IsSpecial(types[id]) || types[id] is TokenType.UserDefined
                ? Encoding.UTF8.GetBytes(decoding.Spaced(tokens[id]))
                : decoding.Bytes(tokens[id]);
        }

        return new TokenTable(bytes, Enumerable.Range(0, tokens.Length).Where(id => IsSpecial(types[id])));
    }

    private static List<Merge> ReadMerges(GgufMetadata metadata, Dictionary<string, int> vocabulary)
    {
        var lines = Required<string[]>(metadata, "merges");
        var merges = new List<Merge>(lines.Length);
        var tokens = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        var joined = new char[lines.Select(line => line.Length).DefaultIfEmpty().Max()];
        foreach (var line in lines)
        {
            // The space between the two is not their first character, which may itself be a space.
            var space = line.Length < 2 ? -1 : line.IndexOf(' ', 1);
            if (space < 0
                || !tokens.TryGetValue(line.AsSpan(0, space), out var left)
                || !tokens.TryGetValue(line.AsSpan(space + 1), out var right)
                || !tokens.TryGetValue(Without(line, space, joined), out var result))
            {
                throw new ModelFormatException(
                    metadata.File,
                    $"'{Prefix}merges' entry {merges.Count} ('{line}') does not name two tokens and their merge");
            }

            merges.Add(new Merge(left, right, result, merges.Count));
        }

        return merges;
    }

    private static ReadOnlySpan<char> Without(string line, int index, Span<char> buffer)
    {
        line.AsSpan(0, index).CopyTo(buffer);
        line.AsSpan(index + 1).CopyTo(buffer[index..]);
        return buffer[..(line.Length - 1)];
    }

    /// <summary>SentencePiece merges any two neighbours whose joint spelling is a token, the highest score first.</summary>
    private static List<Merge> ScoredMerges(GgufMetadata metadata, Dictionary<string, int> vocabulary, int tokenCount)
    {
        var scores = Required<float[]>(metadata, "scores");
        if (scores.Length != tokenCount)
        {
            throw new ModelFormatException(
                metadata.File, $"'{Prefix}scores' has {scores.Length} entries for {tokenCount} tokens");
        }

        var priorities = scores.Distinct().OrderDescending().Index().ToDictionary(s => s.Item, s => s.Index);
        var parts = vocabulary.GetAlternateLookup<ReadOnlySpan<char>>();
        var merges = new List<Merge>();
        foreach (var (text, id) in vocabulary)
        {
            if (text.Length > MaxMergedLength)
            {
                throw new ModelFormatException(
                    metadata.File,
                    $"'{Prefix}tokens' entry {id} has {text.Length} characters; the limit is {MaxMergedLength}");
            }

            for (var cut = 1; cut < text.Length; cut++)
            {
                if (parts.TryGetValue(text.AsSpan(0, cut), out var left) && parts.TryGetValue(text.AsSpan(cut), out var right))
                {
                    merges.Add(new Merge(left, right, id, priorities[scores[id]]));
                }
            }
        }

        return merges;
    }

    /// <summary>The BOS or EOS token if the file, or else the model's kind, asks for it.</summary>
    private static IReadOnlyList<int> Edge(
        GgufMetadata metadata, string name, bool fallback, int tokenCount)
    {
        if (!Optional(metadata, $"add_{name}_token", fallback))
        {
            return [];
        }

        return OptionalId(metadata, name, tokenCount) is { } id
            ? [id]
            : throw new ModelFormatException(metadata.File, $"'{Prefix}add_{name}_token' asks for a token, but '{Prefix}{name}_token_id' is missing");
    }

    private static int? OptionalId(GgufMetadata metadata, string name, int tokenCount)
    {
        var key = $"{Prefix}{name}_token_id";
        return metadata.Integer(key) is var id && (id is null || (id >= 0 && id < tokenCount))
            ? id
            : throw new ModelFormatException(metadata.File, $"'{key}' ({id}) is not the id of one of the {tokenCount} tokens");
    }

    private static T Required<T>(GgufMetadata metadata, string name) =>
        metadata.Pairs.TryGetValue(Prefix + name, out var value) && value is T typed
            ? typed
            : throw new ModelFormatException(metadata.File, $"'{Prefix}{name}' is missing or not of type {typeof(T).Name}");

    private static T Optional<T>(GgufMetadata metadata, string name, T fallback)
        where T : notnull =>
        metadata.Pairs.ContainsKey(Prefix + name) ? Required<T>(metadata, name) : fallback;
}
