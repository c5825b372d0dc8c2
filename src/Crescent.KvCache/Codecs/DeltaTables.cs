using Crescent.KvCache.Codecs.Rans;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// The distributions that quantised differences are coded with: bell curves, one per spread in quarter octaves. A symbol is the
/// difference as a signed byte. They are part of the format, so they are computed by additions and multiplications alone, which give the same bits everywhere.
/// </summary>
internal static class DeltaTables
{
    /// <summary>A spread of 2^(-8/4) steps.</summary>
    public const int First = -8;

    /// <summary>A spread of 2^(18/4) steps: four and a half times it is what a symbol can hold.</summary>
    public const int Last = 18;

    /// <summary>Values that are further out than so many spreads have no symbol.</summary>
    private const double Reach = 4.5;

    /// <summary>Tails are thicker than those of a bell curve: so much of the weight is on one of twice the spread.</summary>
    private const double TailWeight = 0.04;

    private const int Count = Last - First + 1;

    private static readonly double[] QuarterOctaves = [1, 1.189207115002721, 1.4142135623730951, 1.681792830507429];

    static DeltaTables()
    {
        Span<ushort> frequencies = stackalloc ushort[RansTables.Symbols];
        for (int table = 0; table < Count; table++)
        {
            RansTables.Normalise(Weights(PowerOfQuarters(First + table)), frequencies);
            RansTables.FillCodes(frequencies, Codes.AsSpan(table * RansTables.Symbols, RansTables.Symbols));
            RansTables.FillSlots(frequencies, Slots.AsSpan(table * RansTables.Total, RansTables.Total));
        }
    }

    /// <summary>[tables, RansTables.Symbols]; 0 where a symbol is out of reach.</summary>
    public static uint[] Codes { get; } = new uint[Count * RansTables.Symbols];

    /// <summary>[tables, RansTables.Total].</summary>
    public static uint[] Slots { get; } = new uint[Count * RansTables.Total];

    /// <summary>2^(quarters / 4).</summary>
    public static double PowerOfQuarters(int quarters) => Math.ScaleB(QuarterOctaves[quarters & 3], quarters >> 2);

    /// <summary>Weights of the symbols for a spread in steps.</summary>
    private static uint[] Weights(double spread)
    {
        const int samples = 16;
        var weights = new uint[RansTables.Symbols];
        int reach = Math.Min(sbyte.MaxValue, 1 + (int)(Reach * spread));
        for (int code = -reach; code <= reach; code++)
        {
            double weight = 0;
            for (int i = 0; i < samples; i++)
            {
                double x = (code - 0.5 + ((i + 0.5) / samples)) / spread;
                weight += ((1 - TailWeight) * Bell(x * x)) + (TailWeight / 2 * Bell(x * x / 4));
            }

            weights[(byte)code] = 1 + (uint)(weight * (1 << 18));
        }

        return weights;
    }

    /// <summary>exp(-x / 2) by a series for a thousandth of x, squared ten times.</summary>
    private static double Bell(double x)
    {
        double small = -x / 2048;
        double value = 1 + (small * (1 + (small / 2 * (1 + (small / 3 * (1 + (small / 4)))))));
        for (int i = 0; i < 10; i++)
        {
            value *= value;
        }

        return value;
    }
}
