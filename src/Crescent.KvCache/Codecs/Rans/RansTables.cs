using System.Runtime.CompilerServices;

namespace Crescent.KvCache.Codecs.Rans;

/// <summary>
/// Distributions of byte symbols. The frequencies of one sum to <see cref="Total"/>; at least two of them are not 0, so that
/// each fits 12 bits.
/// </summary>
internal static class RansTables
{
    public const int Bits = 12;
    public const int Total = 1 << Bits;
    public const int Symbols = 256;

    /// <summary>
    /// Scales counts to frequencies, none that was not 0 to 0; a single symbol gets a companion. Counts that are all 0 are of
    /// no use.
    /// </summary>
    /// <param name="counts">[Symbols]; their sum is below 2³².</param>
    /// <param name="frequencies">[Symbols].</param>
    public static void Normalise(ReadOnlySpan<uint> counts, Span<ushort> frequencies)
    {
        ulong sum = 0;
        foreach (uint count in counts)
        {
            sum += count;
        }

        int left = Total;
        for (int i = 0; i < Symbols; i++)
        {
            int frequency = counts[i] == 0 ? 0 : (int)Math.Clamp(((counts[i] * (ulong)Total) + (sum / 2)) / sum, 1, Total - 1);
            frequencies[i] = (ushort)frequency;
            left -= frequency;
        }

        if (left > 0 && frequencies.Count((ushort)0) == Symbols - 1)
        {
            frequencies[frequencies[0] == 0 ? 0 : 1] = (ushort)left;
            return;
        }

        // What rounding left over goes to, or comes from, the likeliest symbols: it changes them least.
        while (left != 0)
        {
            int best = 0;
            for (int i = 1; i < Symbols; i++)
            {
                best = frequencies[i] > frequencies[best] ? i : best;
            }

            int change = left > 0 ? Math.Min(left, Total - 1 - frequencies[best]) : Math.Max(left, -(frequencies[best] / 2));
            frequencies[best] = (ushort)(frequencies[best] + change);
            left -= change;
        }
    }

    /// <summary>What an encoder looks up: for every symbol its frequency (upper half) and the sum of those before it; 0 if it cannot occur.</summary>
    /// <param name="frequencies">[Symbols].</param>
    /// <param name="codes">[Symbols].</param>
    public static void FillCodes(ReadOnlySpan<ushort> frequencies, Span<uint> codes)
    {
        uint start = 0;
        for (int i = 0; i < Symbols; i++)
        {
            codes[i] = frequencies[i] == 0 ? 0 : ((uint)frequencies[i] << 16) | start;
            start += frequencies[i];
        }
    }

    /// <summary>What a decoder looks up: for every slot its symbol (8 bits), that symbol's frequency (12) and the slot's place in it (12).</summary>
    /// <param name="frequencies">[Symbols], with a sum of <see cref="Total"/>, each below it.</param>
    /// <param name="slots">[Total].</param>
    [MethodImpl(Hot.Loop)]
    public static void FillSlots(ReadOnlySpan<ushort> frequencies, Span<uint> slots)
    {
        int slot = 0;
        for (int symbol = 0; symbol < Symbols; symbol++)
        {
            uint entry = (uint)symbol | ((uint)frequencies[symbol] << 8);
            for (uint place = 0; place < frequencies[symbol]; place++)
            {
                slots[slot++] = entry | (place << 20);
            }
        }
    }

    /// <summary>Writes frequencies as pairs of (symbols skipped, frequency), ended by the one that completes the sum; returns bytes, at most 3 · Symbols.</summary>
    public static int Write(ReadOnlySpan<ushort> frequencies, Span<byte> target)
    {
        int length = 0;
        int skipped = 0;
        foreach (ushort frequency in frequencies)
        {
            if (frequency == 0)
            {
                skipped++;
                continue;
            }

            target[length++] = (byte)skipped;
            skipped = 0;
            if (frequency >= 0x80)
            {
                target[length++] = (byte)(0x80 | (frequency >> 8));
            }

            target[length++] = (byte)frequency;
        }

        return length;
    }

    /// <summary>Reads what <see cref="Write"/> wrote; returns the bytes read.</summary>
    /// <exception cref="InvalidDataException">These bytes are no distribution.</exception>
    public static int Read(ReadOnlySpan<byte> source, Span<ushort> frequencies)
    {
        frequencies.Clear();
        int offset = 0;
        int symbol = 0;
        for (int left = Total; left > 0; symbol++)
        {
            symbol += Next(source);
            int frequency = Next(source);
            frequency = frequency < 0x80 ? frequency : ((frequency & 0x7f) << 8) | Next(source);
            if (symbol >= Symbols || frequency == 0 || frequency > left || frequency == Total)
            {
                throw new InvalidDataException("the frequencies of symbols are damaged");
            }

            frequencies[symbol] = (ushort)frequency;
            left -= frequency;
        }

        return offset;

        int Next(ReadOnlySpan<byte> bytes) =>
            offset < bytes.Length ? bytes[offset++] : throw new InvalidDataException("the frequencies of symbols are cut off");
    }
}
