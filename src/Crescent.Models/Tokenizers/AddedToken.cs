namespace Crescent.Models.Tokenizers;

/// <summary>A token that is found in the text by its spelling, before anything else looks at it.</summary>
internal sealed record AddedToken
{
    public required int Id { get; init; }

    public required string Content { get; init; }

    /// <summary>Control tokens: found only when the caller parses special tokens, and skipped by decoders that skip them.</summary>
    public bool Special { get; init; }

    /// <summary>Only between characters that are not of a word.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Takes the white space before it.</summary>
    public bool StripsLeft { get; init; }

    /// <summary>Takes the white space after it.</summary>
    public bool StripsRight { get; init; }

    /// <summary>Looked for in the normalised text, in its normalised spelling.</summary>
    public bool Normalized { get; init; }
}
