namespace Crescent.Models.Tokenizers;

/// <summary>When a text gets a space in front that it does not have.</summary>
internal enum PrefixScheme
{
    Never,

    /// <summary>Only at the start of the whole text.</summary>
    First,

    /// <summary>At the start and after every added token.</summary>
    Always,
}

/// <summary>What happens to a text between normalisation and merges.</summary>
internal sealed record PreTokenizer
{
    public PrefixScheme Prefix { get; init; }

    /// <summary>What a space becomes (Metaspace); null leaves it.</summary>
    public char? SpaceReplacement { get; init; }

    /// <summary>Each cuts the pieces of the one before.</summary>
    public IReadOnlyList<TextSplitter> Splitters { get; init; } = [];

    /// <summary>The text with spaces replaced and the prefix in front, or null when it stays as it is.</summary>
    public string? Prepare(ReadOnlySpan<char> text, bool isFirst)
    {
        var space = SpaceReplacement ?? ' ';
        var wanted = Prefix is PrefixScheme.Always || (Prefix is PrefixScheme.First && isFirst);
        var startsWithSpace = text[0] == space || text[0] == ' ';
        string? result = null;
        if (SpaceReplacement is not null && text.Contains(' '))
        {
            result = text.ToString().Replace(' ', space);
        }

        return wanted && !startsWithSpace ? string.Concat([space], result ?? text) : result;
    }
}
