using System.Text;

namespace Crescent.Models.Tokenizers;

/// <summary>How a token's spelling in the vocabulary becomes the bytes of a text.</summary>
internal sealed record Decoding
{
    public bool ByteLevel { get; init; }

    /// <summary>Whether tokens such as <c>&lt;0x0A&gt;</c> are bytes.</summary>
    public bool ByteFallback { get; init; }

    /// <summary>What stands for a space; null: a space itself.</summary>
    public string? SpaceReplacement { get; init; }

    /// <summary>Spaces dropped at the very start of a text.</summary>
    public int StripLeadingSpaces { get; init; }

    public byte[] Bytes(string token)
    {
        if (ByteLevel && ByteAlphabet.ToBytes(token) is { } bytes)
        {
            return bytes;
        }

        return ByteFallback && SentencePiece.ByteOf(token) is { } value ? [value] : Encoding.UTF8.GetBytes(Spaced(token));
    }

    public string Spaced(string token) =>
        SpaceReplacement is null ? token : token.Replace(SpaceReplacement, " ", StringComparison.Ordinal);
}
