using System.Buffers;
using System.Text;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// Joins the bytes of tokens to UTF-8 text. Bytes that cannot begin or go on with a character come out as one U+FFFD
/// per maximal invalid part (Unicode's substitution of maximal subparts) as soon as that is certain.
/// </summary>
/// <param name="texts">Shared by the decoders of one tokenizer: the text of a token that is whole by itself, filled as they are met.</param>
/// <param name="stripLeadingSpaces">How many spaces at the very start of the text are dropped.</param>
internal sealed class TokenDecoder(TokenTable tokens, string?[] texts, bool skipSpecialTokens, int stripLeadingSpaces)
    : ITokenDecoder
{
    private const int MaxPending = 3;

    private readonly byte[] _pending = new byte[MaxPending];
    private int _pendingCount;
    private int _strip = stripLeadingSpaces;

    public string Append(int token)
    {
        if (skipSpecialTokens && tokens.IsSpecial(token))
        {
            return "";
        }

        var bytes = tokens.GetBytes(token).Span;
        if (bytes.IsEmpty)
        {
            return "";
        }

        return StripStart(_pendingCount == 0 ? Whole(token, bytes) : Join(bytes));
    }

    public string Flush()
    {
        var rest = _pendingCount == 0 ? "" : Encoding.UTF8.GetString(_pending, 0, _pendingCount);
        _pendingCount = 0;
        return StripStart(rest);
    }

    private string Whole(int token, ReadOnlySpan<byte> bytes)
    {
        if (texts[token] is { } known)
        {
            return known;
        }

        var text = Complete(bytes);
        if (_pendingCount == 0)
        {
            texts[token] = text;
        }

        return text;
    }

    private string Join(ReadOnlySpan<byte> bytes)
    {
        var rented = ArrayPool<byte>.Shared.Rent(MaxPending + bytes.Length);
        _pending.AsSpan(0, _pendingCount).CopyTo(rented);
        bytes.CopyTo(rented.AsSpan(_pendingCount));
        var text = Complete(rented.AsSpan(0, _pendingCount + bytes.Length));
        ArrayPool<byte>.Shared.Return(rented);
        return text;
    }

    /// <summary>The text of all but an unfinished character at the end, which is kept for the next token.</summary>
    private string Complete(ReadOnlySpan<byte> bytes)
    {
        var unfinished = UnfinishedLength(bytes);
        bytes[^unfinished..].CopyTo(_pending);
        _pendingCount = unfinished;
        return Encoding.UTF8.GetString(bytes[..^unfinished]);
    }

    private static int UnfinishedLength(ReadOnlySpan<byte> bytes)
    {
        for (var length = 1; length <= Math.Min(MaxPending, bytes.Length); length++)
        {
            var isContinuation = (bytes[^length] & 0xC0) == 0x80;
            if (!isContinuation)
            {
                return Rune.DecodeFromUtf8(bytes[^length..], out _, out _) == OperationStatus.NeedMoreData ? length : 0;
            }
        }

        return 0;
    }

    private string StripStart(string text)
    {
        if (_strip == 0 || text.Length == 0)
        {
            return text;
        }

        var spaces = 0;
        while (spaces < _strip && spaces < text.Length && text[spaces] == ' ')
        {
            spaces++;
        }

        _strip = spaces == text.Length ? _strip - spaces : 0;
        return text[spaces..];
    }
}
