using Crescent.Models.Weights;

namespace Crescent.Models.Tokenizers;

/// <summary>Ids around a text that is encoded with special tokens.</summary>
internal sealed record PostTemplate(IReadOnlyList<int> Prefix, IReadOnlyList<int> Suffix)
{
    public static readonly PostTemplate None = new([], []);
}

/// <summary>Reads the stages of a <c>tokenizer.json</c> around its model.</summary>
internal static class TokenizerJsonStages
{
    /// <summary>Split patterns by their exact text.</summary>
    private static readonly Dictionary<string, TextSplitter> Splitters = new()
    {
        [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"] =
            new Llama3Splitter(digits: 3),
        [@"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"] =
            new Llama3Splitter(digits: 1),
        [@"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"] = new Gpt2Splitter(),
    };

    public static TextNormalizer? ReadNormalizer(JsonField? field)
    {
        var steps = Flatten(field, "normalizers").Select(ReadNormalizerStep).ToList();
        return steps.Count switch
        {
            0 => null,
            1 => steps[0],
            _ => new SequenceNormalizer(steps),
        };
    }

    /// <returns>The stage, and whether a ByteLevel step makes the model's symbols bytes.</returns>
    public static (PreTokenizer Stage, bool ByteLevel) ReadPreTokenizer(JsonField? field)
    {
        var stage = new PreTokenizer();
        var byteLevel = false;
        foreach (var step in Flatten(field, "pretokenizers"))
        {
            var type = step.Type();
            if (byteLevel)
            {
                throw step.Unsupported($"{type} after ByteLevel");
            }

            stage = type switch
            {
                "Split" => Add(stage, ReadSplit(step)),
                "ByteLevel" => ReadByteLevel(stage, step),
                "Metaspace" => ReadMetaspace(stage, step),
                _ => throw step.Unsupported(type),
            };
            byteLevel = type == "ByteLevel";
        }

        return (stage, byteLevel);
    }

    public static PostTemplate ReadPostProcessor(JsonField? field)
    {
        var template = PostTemplate.None;
        foreach (var step in Flatten(field, "processors"))
        {
            template = step.Type() switch
            {
                "ByteLevel" => template,
                "TemplateProcessing" => ReadTemplate(step),
                var type => throw step.Unsupported(type),
            };
        }

        return template;
    }

    /// <param name="byteLevel">Whether the model's symbols are bytes: then its tokens spell bytes, with or without a decoder.</param>
    public static Decoding ReadDecoder(JsonField? field, bool byteLevel)
    {
        var decoding = new Decoding { ByteLevel = byteLevel };
        foreach (var step in Flatten(field, "decoders"))
        {
            decoding = step.Type() switch
            {
                "ByteLevel" => decoding with { ByteLevel = true },
                "ByteFallback" => decoding with { ByteFallback = true },
                "Fuse" => decoding,
                "Replace" => ReadReplaceDecoder(decoding, step),
                "Strip" => ReadStripDecoder(decoding, step),
                "Metaspace" => decoding with
                {
                    SpaceReplacement = ReadReplacement(step).ToString(),
                    StripLeadingSpaces = ReadScheme(step) is PrefixScheme.Never ? 0 : 1,
                },
                var type => throw step.Unsupported(type),
            };
        }

        return decoding;
    }

    /// <summary>The steps of a stage, with those of its Sequences in their place.</summary>
    private static IEnumerable<JsonField> Flatten(JsonField? field, string sequence)
    {
        if (field is not { } step)
        {
            return [];
        }

        return step.Type() == "Sequence"
            ? step.Required(sequence).Items().SelectMany(inner => Flatten(inner, sequence))
            : [step];
    }

    private static TextNormalizer ReadNormalizerStep(JsonField step) => step.Type() switch
    {
        "NFC" => new NfcNormalizer(),
        "Prepend" => new PrependNormalizer(step.Required("prepend").Text()),
        "Replace" => new ReplaceNormalizer(ReadPattern(step), step.Required("content").Text()),
        var type => throw step.Unsupported(type),
    };

    /// <summary>The literal text of a Replace step.</summary>
    private static string ReadPattern(JsonField step)
    {
        var pattern = step.Required("pattern");
        return pattern.Optional("String")?.Text() is { Length: > 0 } text
            ? text
            : throw pattern.Unsupported(Describe(pattern));
    }

    private static string Describe(JsonField pattern) =>
        pattern.Optional("Regex")?.Text() is { } regex ? $"the regular expression {regex}" : $"the text '{pattern.Optional("String")?.Text()}'";

    private static PreTokenizer Add(PreTokenizer stage, TextSplitter splitter) =>
        stage with { Splitters = [.. stage.Splitters, splitter] };

    private static TextSplitter ReadSplit(JsonField step)
    {
        var pattern = step.Required("pattern");
        var behavior = step.Required("behavior").Text();

        // Every known pattern matches every character, so what is between matches does not matter, nor whether those
        // pieces are isolated matches or what is left when matches are taken as the pieces.
        if (pattern.Optional("Regex")?.Text() is not { } regex || !Splitters.TryGetValue(regex, out var splitter))
        {
            throw step.Unsupported(Describe(pattern));
        }

        var isolated = behavior == "Isolated" && !step.Flag("invert");
        var removedBetween = behavior == "Removed" && step.Flag("invert");
        return isolated || removedBetween
            ? splitter
            : throw step.Unsupported($"{behavior} (invert: {step.Flag("invert")})");
    }

    private static PreTokenizer ReadByteLevel(PreTokenizer stage, JsonField step)
    {
        if (step.Flag("add_prefix_space", fallback: true))
        {
            stage = stage.Splitters.Count == 0
                ? stage with { Prefix = PrefixScheme.Always }
                : throw step.Unsupported("ByteLevel with add_prefix_space after a Split");
        }

        return step.Flag("use_regex", fallback: true) ? Add(stage, new Gpt2Splitter()) : stage;
    }

    private static PreTokenizer ReadMetaspace(PreTokenizer stage, JsonField step)
    {
        if (stage.Splitters.Count > 0)
        {
            throw step.Unsupported("Metaspace after a Split");
        }

        var replacement = ReadReplacement(step);
        stage = stage with { SpaceReplacement = replacement, Prefix = ReadScheme(step) };
        return step.Flag("split", fallback: true) ? Add(stage, new MetaspaceSplitter(replacement)) : stage;
    }

    private static char ReadReplacement(JsonField step) => step.Required("replacement").Text() is [var c]
        ? c
        : throw step.Unsupported("a replacement of more than one character");

    /// <summary>Files before <c>prepend_scheme</c> have the switch <c>add_prefix_space</c>.</summary>
    private static PrefixScheme ReadScheme(JsonField step) => step.Optional("prepend_scheme")?.Text() switch
    {
        "always" => PrefixScheme.Always,
        "first" => PrefixScheme.First,
        "never" => PrefixScheme.Never,
        null => step.Flag("add_prefix_space", fallback: true) ? PrefixScheme.Always : PrefixScheme.Never,
        var scheme => throw step.Unsupported($"the prepend_scheme {scheme}"),
    };

    private static Decoding ReadReplaceDecoder(Decoding decoding, JsonField step)
    {
        var pattern = ReadPattern(step);
        return decoding.SpaceReplacement is null && step.Required("content").Text() == " "
            ? decoding with { SpaceReplacement = pattern }
            : throw step.Unsupported("a Replace that is not of one text by a space");
    }

    private static Decoding ReadStripDecoder(Decoding decoding, JsonField step)
    {
        var onlySpacesAtStart = step.Required("content").Text() == " " && step.Required("stop").NonNegative() == 0;
        return onlySpacesAtStart
            ? decoding with { StripLeadingSpaces = step.Required("start").NonNegative() }
            : throw step.Unsupported("a Strip of other than spaces at the start");
    }

    private static PostTemplate ReadTemplate(JsonField step)
    {
        var ids = step.Required("special_tokens");
        var before = new List<int>();
        var after = new List<int>();
        var target = before;
        foreach (var part in step.Required("single").Items())
        {
            if (part.Optional("Sequence") is not null)
            {
                target = after;
                continue;
            }

            var token = ids.Required(part.Required("SpecialToken").Required("id").Text());
            target.AddRange(token.Required("ids").Items().Select(id => id.NonNegative()));
        }

        return new PostTemplate(before, after);
    }
}
