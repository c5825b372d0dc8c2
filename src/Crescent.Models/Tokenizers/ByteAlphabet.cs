using System.Buffers;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// GPT-2's spelling of bytes as printable characters: those of Latin-1 that show stand for themselves, the other 68
/// are U+0100 and up, in order.
/// </summary>
internal static class ByteAlphabet
{
    private static readonly char[] Spelling = BuildSpelling();
    private static readonly short[] Bytes = BuildBytes();

    public static char ToChar(byte value) => Spelling[value];

    /// <summary>The bytes a token spells, or null when a character is not of the alphabet.</summary>
    public static byte[]? ToBytes(string token)
    {
        var bytes = new byte[token.Length];
        for (var i = 0; i < token.Length; i++)
        {
            var c = token[i];
            if (c >= Bytes.Length || Bytes[c] < 0)
            {
                return null;
            }

            bytes[i] = (byte)Bytes[c];
        }

        return bytes;
    }

    /// <summary>Spells the UTF-8 form of a piece. False when it does not fit <paramref name="destination"/>.</summary>
    public static bool TrySpell(ReadOnlySpan<char> piece, Span<char> destination, out int written)
    {
        written = 0;
        Span<byte> utf8 = stackalloc byte[4];
        while (!piece.IsEmpty)
        {
            var status = System.Text.Rune.DecodeFromUtf16(piece, out var rune, out var consumed);
            var scalar = status == OperationStatus.Done ? rune : System.Text.Rune.ReplacementChar;
            var length = scalar.EncodeToUtf8(utf8);
            if (written + length > destination.Length)
            {
                return false;
            }

            for (var i = 0; i < length; i++)
            {
                destination[written++] = Spelling[utf8[i]];
            }

            piece = piece[consumed..];
        }

        return true;
    }

    private static char[] BuildSpelling()
    {
        var spelling = new char[256];
        var next = (char)256;
        for (var b = 0; b < 256; b++)
        {
            var shows = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            spelling[b] = shows ? (char)b : next++;
        }

        return spelling;
    }

    private static short[] BuildBytes()
    {
        var bytes = new short[256 + 68];
        Array.Fill(bytes, (short)-1);
        for (var b = 0; b < 256; b++)
        {
            bytes[ToChar((byte)b)] = (short)b;
        }

        return bytes;
    }
}
