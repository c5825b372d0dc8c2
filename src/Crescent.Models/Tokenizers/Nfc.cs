using System.Buffers;
using System.Text;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// Unicode normalisation form C (UAX 15). .NET's own needs ICU, which a program with invariant globalisation does not
/// load: there <see cref="string.Normalize()"/> returns its input. O(n log n) at worst, in the length of a run of
/// combining marks.
/// </summary>
internal static class Nfc
{
    private const int HangulBase = 0xAC00;
    private const int LBase = 0x1100;
    private const int VBase = 0x1161;
    private const int TBase = 0x11A7;
    private const int VCount = 21;
    private const int TCount = 28;
    private const int LCount = 19;

    private static readonly NfcTables Tables = NfcTables.Read(NfcData.Packed);

    /// <summary>True only for normalised text; false for some text that is normalised too (a mark in its place).</summary>
    public static bool IsNormalized(ReadOnlySpan<char> text)
    {
        // Nothing below U+0300 combines or changes.
        while (true)
        {
            var index = text.IndexOfAnyExceptInRange('\0', '\u02FF');
            if (index < 0)
            {
                return true;
            }

            Rune.DecodeFromUtf16(text[index..], out var rune, out var consumed);
            if (Tables.NeedsCare(rune.Value))
            {
                return false;
            }

            text = text[(index + consumed)..];
        }
    }

    /// <summary>Unpaired surrogates come out as U+FFFD.</summary>
    public static string Normalize(ReadOnlySpan<char> text)
    {
        // An item is class << 56 | place in its run << 21 | code point, so that sorting a run orders it canonically.
        var items = ArrayPool<ulong>.Shared.Rent(text.Length + 16);
        var count = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            // A code point decomposes to four at most.
            if (items.Length - count < 4)
            {
                var larger = ArrayPool<ulong>.Shared.Rent(items.Length * 2);
                items.AsSpan(0, count).CopyTo(larger);
                ArrayPool<ulong>.Shared.Return(items);
                items = larger;
            }

            count += Decompose(rune.Value, items.AsSpan(count));
        }

        var decomposed = items.AsSpan(0, count);
        Order(decomposed);
        var result = ToString(decomposed[..Compose(decomposed)]);
        ArrayPool<ulong>.Shared.Return(items);
        return result;
    }

    private static int Decompose(int codePoint, Span<ulong> items)
    {
        var syllable = codePoint - HangulBase;
        if (syllable is >= 0 and < LCount * VCount * TCount)
        {
            items[0] = (ulong)(LBase + (syllable / (VCount * TCount)));
            items[1] = (ulong)(VBase + (syllable / TCount % VCount));
            items[2] = (ulong)(TBase + (syllable % TCount));
            return syllable % TCount == 0 ? 2 : 3;
        }

        if (Tables.Decomposition(codePoint) is not { } parts)
        {
            items[0] = Item(codePoint);
            return 1;
        }

        for (var i = 0; i < parts.Length; i++)
        {
            items[i] = Item(parts[i]);
        }

        return parts.Length;
    }

    private static ulong Item(int codePoint) => ((ulong)Tables.Class(codePoint) << 56) | (uint)codePoint;

    private static int CodePoint(ulong item) => (int)(item & 0x1FFFFF);

    private static int Class(ulong item) => (int)(item >> 56);

    private static void Order(Span<ulong> items)
    {
        for (var start = 0; start < items.Length; start++)
        {
            var end = start;
            while (end < items.Length && Class(items[end]) > 0)
            {
                items[end] |= (ulong)(end - start) << 21;
                end++;
            }

            if (end - start > 1)
            {
                items[start..end].Sort();
            }

            start = end;
        }
    }

    /// <summary>Composes in place and returns how many items remain.</summary>
    private static int Compose(Span<ulong> items)
    {
        var count = 0;
        var starter = -1;
        for (var i = 0; i < items.Length; i++)
        {
            var item = items[i];

            // A character is blocked from its starter by a starter or by a mark of its own class or a higher one.
            var blocked = count - 1 > starter && (Class(items[count - 1]) == 0 || Class(items[count - 1]) >= Class(item));
            if (starter >= 0 && !blocked && Composite(CodePoint(items[starter]), CodePoint(item)) is var composite and > 0)
            {
                items[starter] = (uint)composite;
                continue;
            }

            if (Class(item) == 0)
            {
                starter = count;
            }

            items[count++] = item;
        }

        return count;
    }

    /// <summary>What the two compose to, or 0.</summary>
    private static int Composite(int first, int second)
    {
        if (first - LBase is >= 0 and < LCount && second - VBase is >= 0 and < VCount)
        {
            return HangulBase + ((((first - LBase) * VCount) + (second - VBase)) * TCount);
        }

        var syllable = first - HangulBase;
        if (syllable is >= 0 and < LCount * VCount * TCount && syllable % TCount == 0 && second - TBase is > 0 and < TCount)
        {
            return first + (second - TBase);
        }

        return Tables.Composite(first, second);
    }

    private static string ToString(ReadOnlySpan<ulong> items)
    {
        var chars = ArrayPool<char>.Shared.Rent(items.Length * 2);
        var length = 0;
        foreach (var item in items)
        {
            length += new Rune(CodePoint(item)).EncodeToUtf16(chars.AsSpan(length));
        }

        var result = new string(chars, 0, length);
        ArrayPool<char>.Shared.Return(chars);
        return result;
    }
}
