using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// The channels of K or of V: [scale: float][spreads: a byte each, in half octaves around the scale][means: a byte each, in
/// units of some steps].
/// </summary>
internal readonly ref struct DeltaGrid
{
    /// <summary>A channel with as much spread as the scale.</summary>
    private const int Even = 64;

    /// <summary>Spreads from 2⁻¹⁶ of the scale, so that a step has a finite inverse, to 2²⁰ times it.</summary>
    private const int Least = Even - 32;

    private const int Most = Even + 40;

    /// <summary>A mean is a multiple of so many steps.</summary>
    private const float MeanUnit = 4;

    private readonly KvLayout _layout;
    private readonly int _quarters;
    private readonly float _scale;
    private readonly ReadOnlySpan<byte> _spreads;
    private readonly ReadOnlySpan<byte> _means;

    /// <param name="quarters">The spread of an even channel in its own steps is 2^(quarters / 4).</param>
    /// <exception cref="InvalidDataException">These bytes are no grid.</exception>
    public DeltaGrid(KvLayout layout, int quarters, ReadOnlySpan<byte> bytes)
    {
        int channels = layout.KvHeads * layout.HeadDim;
        _layout = layout;
        _quarters = quarters;
        _scale = BinaryPrimitives.ReadSingleLittleEndian(bytes);
        _spreads = bytes.Slice(sizeof(float), channels);
        _means = bytes.Slice(sizeof(float) + channels, channels);
        if (!(_scale >= Elements.SmallestStep && _scale <= 1 / Elements.SmallestStep) || _spreads.ContainsAnyExceptInRange((byte)Least, (byte)Most))
        {
            throw new InvalidDataException("the spreads of channels are damaged");
        }
    }

    public static int Bytes(KvLayout layout) => sizeof(float) + (2 * layout.KvHeads * layout.HeadDim);

    /// <summary>Fills in the grid of values [kvHead][position][dim].</summary>
    public static void Measure(KvLayout layout, int quarters, ReadOnlySpan<float> values, Span<byte> bytes)
    {
        int channels = layout.KvHeads * layout.HeadDim;
        using var means = new Scratch<double>(channels);
        using var spreads = new Scratch<double>(channels);
        double scale = 0;
        for (int channel = 0; channel < channels; channel++)
        {
            (means.Span[channel], spreads.Span[channel]) = Moments(layout, values, channel);

            // A mean must be within reach of its byte, or its channel gets larger steps: here with some room.
            double reach = Math.Abs(means.Span[channel]) * DeltaTables.PowerOfQuarters(quarters) / (MeanUnit * sbyte.MaxValue);
            scale += Math.Max(spreads.Span[channel], reach) / channels;
        }

        float stored = (float)Math.Max(scale, Elements.SmallestStep);
        BinaryPrimitives.WriteSingleLittleEndian(bytes, stored);
        for (int channel = 0; channel < channels; channel++)
        {
            int spread = (int)Math.Clamp(Even + Math.Round(2 * Math.Log2(spreads.Span[channel] / stored)), Least, Most);
            double mean = means.Span[channel];
            while (spread < Most && Math.Abs(mean) > MeanUnit * (sbyte.MaxValue - 1) * Step(stored, quarters, spread).Size)
            {
                spread++;
            }

            bytes[sizeof(float) + channel] = (byte)spread;
            double units = Math.Round(mean / (MeanUnit * Step(stored, quarters, spread).Size));
            bytes[sizeof(float) + channels + channel] = (byte)(sbyte)Math.Clamp(units, sbyte.MinValue, sbyte.MaxValue);
        }
    }

    /// <summary>What belongs to a head's elements, as <see cref="ChannelPattern"/> repeats it.</summary>
    /// <param name="tables">Indices into <see cref="DeltaTables"/>.</param>
    public void Fill(int head, Span<int> tables, Span<float> steps, Span<float> means)
    {
        for (int dim = 0; dim < _layout.HeadDim; dim++)
        {
            int channel = (head * _layout.HeadDim) + dim;
            var (step, table) = Step(_scale, _quarters, _spreads[channel]);
            float mean = (sbyte)_means[channel] * (MeanUnit * step);
            for (int i = dim; i < steps.Length; i += _layout.HeadDim)
            {
                (tables[i], steps[i], means[i]) = (table, step, mean);
            }
        }
    }

    /// <summary>
    /// A step's size in proportion to the square root of the channel's spread, or, where the distributions end, to the spread.
    /// </summary>
    private static (float Size, int Table) Step(float scale, int quarters, int spread)
    {
        int own = Math.Clamp(quarters + spread - Even, DeltaTables.First, DeltaTables.Last);
        return ((float)(scale * DeltaTables.PowerOfQuarters((2 * (spread - Even)) - own)), own - DeltaTables.First);
    }

    [MethodImpl(Hot.Loop)]
    private static (double Mean, double Spread) Moments(KvLayout layout, ReadOnlySpan<float> values, int channel)
    {
        int stride = layout.HeadDim;
        int first = (channel / stride * layout.BlockSize * stride) + (channel % stride);
        double sum = 0;
        for (int position = 0; position < layout.BlockSize; position++)
        {
            sum += values[first + (position * stride)];
        }

        double mean = sum / layout.BlockSize;
        double squares = 0;
        for (int position = 0; position < layout.BlockSize; position++)
        {
            double distance = values[first + (position * stride)] - mean;
            squares += distance * distance;
        }

        return (mean, Math.Sqrt(squares / layout.BlockSize));
    }
}
