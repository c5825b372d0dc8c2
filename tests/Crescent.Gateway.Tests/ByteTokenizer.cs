using System.Text;

namespace Crescent.Gateway.Tests;

/// <summary>256 tokens, one per byte, and after them special tokens as they are named.</summary>
internal sealed class ByteTokenizer(params string[] specials) : ITokenizer
{
    public const int Bytes = 256;

    public int VocabularySize => Bytes + specials.Length;

    /// <summary>Begins texts that are encoded with special tokens; null: nothing does.</summary>
    public string? Bos { get; init; }

    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens, bool parseSpecialTokens)
    {
        var tokens = new List<int>();
        if (addSpecialTokens && Bos is not null)
        {
            tokens.Add(FindToken(Bos)!.Value);
        }

        while (text.Length > 0)
        {
            (int at, string special) = parseSpecialTokens ? NextSpecial(text) : (text.Length, "");
            foreach (byte b in Encoding.UTF8.GetBytes(text[..at].ToString()))
            {
                tokens.Add(b);
            }

            if (special.Length > 0)
            {
                tokens.Add(FindToken(special)!.Value);
            }

            text = text[(at + special.Length)..];
        }

        return [.. tokens];
    }

    /// <summary>The first special token spelled in a text, or its end.</summary>
    private (int At, string Special) NextSpecial(ReadOnlySpan<char> text)
    {
        (int At, string Special) first = (text.Length, "");
        foreach (string special in specials)
        {
            int at = text.IndexOf(special, StringComparison.Ordinal);
            first = at >= 0 && at < first.At ? (at, special) : first;
        }

        return first;
    }

    public int? FindToken(string text)
    {
        int index = Array.IndexOf(specials, text);
        return index < 0 ? null : Bytes + index;
    }

    public ReadOnlyMemory<byte> GetBytes(int token) =>
        token < Bytes ? new[] { (byte)token } : Encoding.UTF8.GetBytes(specials[token - Bytes]);

    public ITokenDecoder CreateDecoder(bool skipSpecialTokens) =>
        new ByteDecoder(token => token >= Bytes && skipSpecialTokens ? default : GetBytes(token));

    /// <summary>The text of tokens, special ones spelled out.</summary>
    public string Decode(IEnumerable<int> tokens)
    {
        ITokenDecoder decoder = CreateDecoder(skipSpecialTokens: false);
        return string.Concat(tokens.Select(decoder.Append)) + decoder.Flush();
    }
}

/// <summary>Token i is the piece i, any bytes.</summary>
internal sealed class PieceTokenizer(IReadOnlyList<byte[]> pieces) : ITokenizer
{
    public int VocabularySize => pieces.Count;

    public int[] Encode(ReadOnlySpan<char> text, bool addSpecialTokens, bool parseSpecialTokens) => throw new NotSupportedException();

    public int? FindToken(string text) => null;

    public ReadOnlyMemory<byte> GetBytes(int token) => pieces[token];

    public ITokenDecoder CreateDecoder(bool skipSpecialTokens) => new ByteDecoder(GetBytes);
}

internal sealed class ByteDecoder(Func<int, ReadOnlyMemory<byte>> getBytes) : ITokenDecoder
{
    private readonly Decoder _decoder = Encoding.UTF8.GetDecoder();

    public string Append(int token) => Decode(getBytes(token).Span, flush: false);

    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        char[] chars = new char[_decoder.GetCharCount(bytes, flush)];
        return new string(chars, 0, _decoder.GetChars(bytes, chars, flush));
    }
}
