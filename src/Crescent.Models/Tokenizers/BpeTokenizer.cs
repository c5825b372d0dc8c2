namespace Crescent.Models.Tokenizers;

/// <summary>
/// The stages of a tokenizer file in order: added tokens, normalisation, pre-tokenisation, merges, and back.
/// Safe for concurrent use: what an encoding changes is its own.
/// </summary>
internal sealed class BpeTokenizer : ITokenizer
{
    private readonly BpeTokenizerParts _parts;
    private readonly TokenTable _tokens;
    private readonly string?[] _texts;
    private readonly Dictionary<string, int> _added;

    // [0]: without special tokens, [1]: with them.
    private readonly AddedTokenMatcher[] _rawMatchers;
    private readonly AddedTokenMatcher[] _normalizedMatchers;

    public BpeTokenizer(BpeTokenizerParts parts)
    {
        _parts = parts;
        _tokens = parts.Tokens;
        _texts = new string?[_tokens.Count];
        _added = [];
        foreach (var token in parts.AddedTokens)
        {
            _added[token.Content] = token.Id;
        }

        _rawMatchers = [RawMatcher(withSpecial: false), RawMatcher(withSpecial: true)];
        _normalizedMatchers = [NormalizedMatcher(withSpecial: false), NormalizedMatcher(withSpecial: true)];
    }

    public int VocabularySize => _tokens.Count;

    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens, bool parseSpecialTokens)
    {
        using var workspace = new BpeWorkspace();
        Encode(text, addSpecialTokens, parseSpecialTokens, workspace);
        return workspace.Output.ToArray();
    }

    public int? FindToken(string text) =>
        _added.TryGetValue(text, out var id) || _parts.Vocabulary.TryGetValue(text, out id) ? id : null;

    public ReadOnlyMemory<byte> GetBytes(int token) => _tokens.GetBytes(token);

    public ITokenDecoder CreateDecoder(bool skipSpecialTokens) =>
        new TokenDecoder(_tokens, _texts, skipSpecialTokens, _parts.StripLeadingSpaces);

    internal void Encode(ReadOnlySpan<char> text, bool addSpecialTokens, bool parseSpecialTokens, BpeWorkspace workspace)
    {
        EmitAll(addSpecialTokens ? _parts.Prefix : [], workspace);
        var matchers = parseSpecialTokens ? 1 : 0;
        var start = 0;
        while (_rawMatchers[matchers].TryFind(text, start, out var range, out var token))
        {
            EncodeRaw(text[start..range.Start], start == 0, matchers, workspace);
            workspace.Emit(token.Id);
            start = range.End.Value;
        }

        EncodeRaw(text[start..], start == 0, matchers, workspace);
        EmitAll(addSpecialTokens ? _parts.Suffix : [], workspace);
    }

    private static void EmitAll(IReadOnlyList<int> ids, BpeWorkspace workspace)
    {
        foreach (var id in ids)
        {
            workspace.Emit(id);
        }
    }

    private void EncodeRaw(ReadOnlySpan<char> text, bool isFirst, int matchers, BpeWorkspace workspace)
    {
        if (text.IsEmpty)
        {
            return;
        }

        if (_parts.Normalizer?.Apply(text) is { } normalized)
        {
            text = normalized;
        }

        var start = 0;
        while (_normalizedMatchers[matchers].TryFind(text, start, out var range, out var token))
        {
            EncodeNormalized(text[start..range.Start], isFirst && start == 0, workspace);
            workspace.Emit(token.Id);
            start = range.End.Value;
        }

        EncodeNormalized(text[start..], isFirst && start == 0, workspace);
    }

    private void EncodeNormalized(ReadOnlySpan<char> text, bool isFirst, BpeWorkspace workspace)
    {
        if (text.IsEmpty)
        {
            return;
        }

        EncodePieces(_parts.PreTokenizer.Prepare(text, isFirst) ?? text, splitter: 0, workspace);
    }

    private void EncodePieces(ReadOnlySpan<char> text, int splitter, BpeWorkspace workspace)
    {
        if (splitter == _parts.PreTokenizer.Splitters.Count)
        {
            _parts.Model.Encode(text, workspace);
            return;
        }

        for (var start = 0; start < text.Length;)
        {
            var end = _parts.PreTokenizer.Splitters[splitter].Next(text, start);
            EncodePieces(text[start..end], splitter + 1, workspace);
            start = end;
        }
    }

    private AddedTokenMatcher RawMatcher(bool withSpecial) => new(
        from token in _parts.AddedTokens
        where !token.Normalized && (withSpecial || !token.Special)
        select (token.Content, token));

    private AddedTokenMatcher NormalizedMatcher(bool withSpecial) => new(
        from token in _parts.AddedTokens
        where token.Normalized && (withSpecial || !token.Special)
        select (_parts.Normalizer?.Apply(token.Content) ?? token.Content, token));
}

/// <summary>What a loader reads from a file.</summary>
internal sealed record BpeTokenizerParts
{
    /// <summary>Tokens of the model by spelling; added tokens need not be among them.</summary>
    public required Dictionary<string, int> Vocabulary { get; init; }

    public required TokenTable Tokens { get; init; }

    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    public TextNormalizer? Normalizer { get; init; }

    public required PreTokenizer PreTokenizer { get; init; }

    public required BpeModel Model { get; init; }

    /// <summary>Ids before a text that is encoded with special tokens (BOS).</summary>
    public IReadOnlyList<int> Prefix { get; init; } = [];

    /// <summary>Ids after a text that is encoded with special tokens (EOS).</summary>
    public IReadOnlyList<int> Suffix { get; init; } = [];

    /// <summary>Spaces that decoding drops at the very start of a text: the ones that encoding put there.</summary>
    public int StripLeadingSpaces { get; init; }
}
