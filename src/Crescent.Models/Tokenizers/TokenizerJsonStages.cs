using System.Text.Json;

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

    public static TextNormalizer? ReadNormalizer(JsonElement? element)
    {
        var steps = Flatten(element, "normalizer", "normalizers").Select(ReadNormalizerStep).ToList();
        return steps.Count switch
        {
            0 => null,
            1 => steps[0],
            _ => new SequenceNormalizer(steps),
        };
    }

    /// <returns>The stage, and whether a ByteLevel step makes the model's symbols bytes.</returns>
    public static (PreTokenizer Stage, bool ByteLevel) ReadPreTokenizer(JsonElement? element)
    {
        var stage = new PreTokenizer();
        var byteLevel = false;
        foreach (var step in Flatten(element, "pre_tokenizer", "pretokenizers"))
        {
            var type = step.RequiredString("type", "pre_tokenizer");
            if (byteLevel)
            {
                throw JsonReading.Unsupported("pre_tokenizer", $"{type} after ByteLevel");
            }

            stage = type switch
            {
                "Split" => Add(stage, ReadSplit(step)),
                "ByteLevel" => ReadByteLevel(stage, step),
                "Metaspace" => ReadMetaspace(stage, step),
                _ => throw JsonReading.Unsupported("pre_tokenizer.type", type),
            };
            byteLevel = type == "ByteLevel";
        }

        return (stage, byteLevel);
    }

    public static PostTemplate ReadPostProcessor(JsonElement? element)
    {
        var template = PostTemplate.None;
        foreach (var step in Flatten(element, "post_processor", "processors"))
        {
            template = step.RequiredString("type", "post_processor") switch
            {
                "ByteLevel" => template,
                "TemplateProcessing" => ReadTemplate(step),
                var type => throw JsonReading.Unsupported("post_processor.type", type),
            };
        }

        return template;
    }

    public static Decoding ReadDecoder(JsonElement? element, bool byteLevel)
    {
        if (element is null && !byteLevel)
        {
            throw JsonReading.Unsupported("decoder", "null without a ByteLevel pre_tokenizer");
        }

        var decoding = new Decoding { ByteLevel = byteLevel };
        foreach (var step in Flatten(element, "decoder", "decoders"))
        {
            decoding = step.RequiredString("type", "decoder") switch
            {
                "ByteLevel" => decoding with { ByteLevel = true },
                "ByteFallback" => decoding with { ByteFallback = true },
                "Fuse" => decoding,
                "Replace" => ReadReplaceDecoder(decoding, step),
                "Strip" => ReadStripDecoder(decoding, step),
                "Metaspace" => decoding with
                {
                    SpaceReplacement = ReadReplacement(step, "decoder").ToString(),
                    StripLeadingSpaces = ReadScheme(step, "decoder") is PrefixScheme.Never ? 0 : 1,
                },
                var type => throw JsonReading.Unsupported("decoder.type", type),
            };
        }

        return decoding;
    }

    /// <summary>The steps of a stage, with those of its Sequences in their place.</summary>
    private static IEnumerable<JsonElement> Flatten(JsonElement? element, string path, string sequence)
    {
        if (element is not { } step)
        {
            return [];
        }

        return step.RequiredString("type", path) == "Sequence"
            ? step.Items(sequence, path).SelectMany(inner => Flatten(inner, path, sequence))
            : [step];
    }

    private static TextNormalizer ReadNormalizerStep(JsonElement step) => step.RequiredString("type", "normalizer") switch
    {
        "NFC" => new NfcNormalizer(),
        "Prepend" => new PrependNormalizer(step.RequiredString("prepend", "normalizer")),
        "Replace" => new ReplaceNormalizer(ReadPattern(step, "normalizer"), step.RequiredString("content", "normalizer")),
        var type => throw JsonReading.Unsupported("normalizer.type", type),
    };

    /// <summary>The literal text of a Replace step.</summary>
    private static string ReadPattern(JsonElement step, string path)
    {
        var pattern = step.Required("pattern", JsonValueKind.Object, path);
        return pattern.Text("String") is { Length: > 0 } text
            ? text
            : throw JsonReading.Unsupported($"{path}.pattern", Describe(pattern));
    }

    private static string Describe(JsonElement pattern) =>
        pattern.Text("Regex") is { } regex ? $"the regular expression {regex}" : $"the text '{pattern.Text("String")}'";

    private static PreTokenizer Add(PreTokenizer stage, TextSplitter splitter) =>
        stage with { Splitters = [.. stage.Splitters, splitter] };

    private static TextSplitter ReadSplit(JsonElement step)
    {
        var pattern = step.Required("pattern", JsonValueKind.Object, "pre_tokenizer");
        var behavior = step.RequiredString("behavior", "pre_tokenizer");

        // Every known pattern matches every character, so what is between matches does not matter, nor whether those
        // pieces are isolated matches or what is left when matches are taken as the pieces.
        if (pattern.Text("Regex") is not { } regex || !Splitters.TryGetValue(regex, out var splitter))
        {
            throw JsonReading.Unsupported("pre_tokenizer.pattern", Describe(pattern));
        }

        var isolated = behavior == "Isolated" && !step.Flag("invert");
        var removedBetween = behavior == "Removed" && step.Flag("invert");
        return isolated || removedBetween
            ? splitter
            : throw JsonReading.Unsupported("pre_tokenizer.behavior", $"{behavior} (invert: {step.Flag("invert")})");
    }

    private static PreTokenizer ReadByteLevel(PreTokenizer stage, JsonElement step)
    {
        if (step.Flag("add_prefix_space", fallback: true))
        {
            stage = stage.Splitters.Count == 0
                ? stage with { Prefix = PrefixScheme.Always }
                : throw JsonReading.Unsupported("pre_tokenizer", "ByteLevel with add_prefix_space after a Split");
        }

        return step.Flag("use_regex", fallback: true) ? Add(stage, new Gpt2Splitter()) : stage;
    }

    private static PreTokenizer ReadMetaspace(PreTokenizer stage, JsonElement step)
    {
        if (stage.Splitters.Count > 0)
        {
            throw JsonReading.Unsupported("pre_tokenizer", "Metaspace after a Split");
        }

        var replacement = ReadReplacement(step, "pre_tokenizer");
        stage = stage with { SpaceReplacement = replacement, Prefix = ReadScheme(step, "pre_tokenizer") };
        return step.Flag("split", fallback: true) ? Add(stage, new MetaspaceSplitter(replacement)) : stage;
    }

    private static char ReadReplacement(JsonElement step, string path) => step.RequiredString("replacement", path) is [var c]
        ? c
        : throw JsonReading.Unsupported($"{path}.replacement", "more than one character");

    /// <summary>Files before <c>prepend_scheme</c> have the switch <c>add_prefix_space</c>.</summary>
    private static PrefixScheme ReadScheme(JsonElement step, string path) => step.Text("prepend_scheme") switch
    {
        "always" => PrefixScheme.Always,
        "first" => PrefixScheme.First,
        "never" => PrefixScheme.Never,
        null => step.Flag("add_prefix_space", fallback: true) ? PrefixScheme.Always : PrefixScheme.Never,
        var scheme => throw JsonReading.Unsupported($"{path}.prepend_scheme", scheme),
    };

    private static Decoding ReadReplaceDecoder(Decoding decoding, JsonElement step)
    {
        var pattern = ReadPattern(step, "decoder");
        return decoding.SpaceReplacement is null && step.RequiredString("content", "decoder") == " "
            ? decoding with { SpaceReplacement = pattern }
            : throw JsonReading.Unsupported("decoder", "a Replace that is not of one text by a space");
    }

    private static Decoding ReadStripDecoder(Decoding decoding, JsonElement step)
    {
        var onlySpacesAtStart = step.RequiredString("content", "decoder") == " " && step.RequiredInt("stop", "decoder") == 0;
        return onlySpacesAtStart
            ? decoding with { StripLeadingSpaces = step.RequiredInt("start", "decoder") }
            : throw JsonReading.Unsupported("decoder", "a Strip of other than spaces at the start");
    }

    private static PostTemplate ReadTemplate(JsonElement step)
    {
        var ids = step.Required("special_tokens", JsonValueKind.Object, "post_processor");
        var before = new List<int>();
        var after = new List<int>();
        var target = before;
        foreach (var part in step.Items("single", "post_processor"))
        {
            if (part.Member("Sequence") is not null)
            {
                target = after;
                continue;
            }

            var name = part.Required("SpecialToken", JsonValueKind.Object, "post_processor.single[]")
                .RequiredString("id", "post_processor.single[].SpecialToken");
            var token = ids.Required(name, JsonValueKind.Object, "post_processor.special_tokens");
            target.AddRange(token.Items("ids", "post_processor.special_tokens").Select(e => e.AsInt("post_processor.special_tokens.ids")));
        }

        return new PostTemplate(before, after);
    }
}
