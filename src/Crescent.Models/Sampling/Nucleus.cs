using System.Numerics;

namespace Crescent.Models.Sampling;

/// <summary>
/// Draws from the tokens that top_p and min_p keep, most likely first and equally likely ones in order of id, without
/// sorting them. Positive floats are in the order of their bits: weights are gathered by the upper bits into buckets
/// with a total each, and only the bucket in which the cut or the draw falls is looked into, by the bits that follow.
/// A draw takes a few passes over the vocabulary whatever the distribution. One thread at a time.
/// </summary>
internal sealed class Nucleus(int vocabularySize)
{
    /// <summary>The sign, the exponent and three bits after it; a weight is at most 1.</summary>
    private const int FirstShift = 20;

    private const int SecondShift = 8;
    private const int FirstBuckets = (0x3f800000 >> FirstShift) + 1;
    private const int SecondBuckets = 1 << (FirstShift - SecondShift);
    private const int ThirdBuckets = 1 << SecondShift;

    /// <summary>So few are sorted.</summary>
    private const int Few = 64;

    private readonly double[] _first = new double[FirstBuckets];
    private readonly double[] _buckets = new double[SecondBuckets];

    // Weight bits inverted, then id: ascending keys are the order of candidates. A key in hand is a token in hand.
    private readonly ulong[] _keys = new ulong[vocabularySize];

    /// <param name="weights">[vocabulary]: probabilities times a constant; the largest is 1.</param>
    /// <param name="total">Their sum.</param>
    /// <param name="topP">With <paramref name="minP"/>, at least one of them cuts.</param>
    /// <param name="uniform">In [0, 1).</param>
    public int Draw(ReadOnlySpan<float> weights, double total, float topP, float minP, double uniform)
    {
        // Tokens with a probability of at most (1 − top_p) / vocabulary weigh less than 1 − top_p together, so the
        // others alone reach top_p. The margin is for rounding.
        float floor = MathF.Max(minP, (float)(0.99 * (1 - Math.Min(topP, 1)) * total / weights.Length));
        double kept = Gather(weights, floor);
        ulong last = ulong.MaxValue;
        if (topP < 1)
        {
            (last, kept) = Find(weights, floor, new Mark(topP * total, Beyond: false));
        }

        // The product may round up to all that is kept.
        var (drawn, _) = Find(weights, floor, new Mark(uniform * kept, Beyond: true));
        return Token(Math.Min(drawn, last));
    }

    private static ulong Key(uint bits, int token) => ((ulong)~bits << 32) | (uint)token;

    private static uint Bits(ulong key) => ~(uint)(key >> 32);

    private static int Token(ulong key) => (int)(uint)key;

    private static double Weight(ulong key) => BitConverter.UInt32BitsToSingle(Bits(key));

    /// <summary>Fills the first buckets with the weights from the floor up.</summary>
    /// <returns>Their sum.</returns>
    private double Gather(ReadOnlySpan<float> weights, float floor)
    {
        Array.Clear(_first);
        var floors = new Vector<float>(floor);
        for (int start = 0; start < weights.Length; start += Vector<float>.Count)
        {
            var run = weights[start..Math.Min(start + Vector<float>.Count, weights.Length)];
            if (run.Length == Vector<float>.Count && !Vector.GreaterThanOrEqualAny(new Vector<float>(run), floors))
            {
                continue;
            }

            foreach (float weight in run)
            {
                if (weight >= floor)
                {
                    _first[BitConverter.SingleToUInt32Bits(weight) >> FirstShift] += weight;
                }
            }
        }

        double sum = 0;
        for (int bucket = FirstBuckets - 1; bucket >= 0; bucket--)
        {
            sum += _first[bucket];
        }

        return sum;
    }

    /// <summary>The candidate whose weight, added to those before it, reaches the mark; the last one when none does.</summary>
    /// <returns>Its key, and that sum.</returns>
    private (ulong Key, double Sum) Find(ReadOnlySpan<float> weights, float floor, Mark mark)
    {
        double sum = 0;
        int bucket = Walk(_first, mark, ref sum);
        var keys = Collect(weights, floor, (uint)bucket);
        if (keys.Length > Few)
        {
            keys = Narrow(keys, SecondShift, SecondBuckets, mark, ref sum);
        }

        if (keys.Length > Few)
        {
            keys = Narrow(keys, shift: 0, ThirdBuckets, mark, ref sum);
            return Equals(keys, mark, sum);
        }

        keys.Sort();
        foreach (ulong key in keys[..^1])
        {
            sum += Weight(key);
            if (mark.IsReached(sum))
            {
                return (key, sum);
            }
        }

        return (keys[^1], sum + Weight(keys[^1]));
    }

    /// <summary>The highest bucket with which the mark is reached, or else the lowest that is not empty.</summary>
    private static int Walk(ReadOnlySpan<double> buckets, Mark mark, scoped ref double sum)
    {
        int last = 0;
        double before = sum;
        for (int bucket = buckets.Length - 1; bucket >= 0; bucket--)
        {
            if (buckets[bucket] > 0)
            {
                last = bucket;
                before = sum;
                sum += buckets[bucket];
                if (mark.IsReached(sum))
                {
                    break;
                }
            }
        }

        sum = before;
        return last;
    }

    private Span<ulong> Collect(ReadOnlySpan<float> weights, float floor, uint bucket)
    {
        // Bounds of the bucket's weights, so that the comparison below is all that most tokens cost.
        float low = MathF.Max(floor, BitConverter.UInt32BitsToSingle(bucket << FirstShift));
        float high = BitConverter.UInt32BitsToSingle((bucket + 1) << FirstShift);
        var (lows, highs) = (new Vector<float>(low), new Vector<float>(high));
        int count = 0;
        for (int start = 0; start < weights.Length; start += Vector<float>.Count)
        {
            int end = Math.Min(start + Vector<float>.Count, weights.Length);
            if (end - start == Vector<float>.Count)
            {
                var run = new Vector<float>(weights[start..]);
                if (Vector.EqualsAll(Vector.GreaterThanOrEqual(run, lows) & Vector.LessThan(run, highs), Vector<int>.Zero))
                {
                    continue;
                }
            }

            for (int token = start; token < end; token++)
            {
                if (weights[token] >= low && weights[token] < high)
                {
                    _keys[count++] = Key(BitConverter.SingleToUInt32Bits(weights[token]), token);
                }
            }
        }

        return _keys.AsSpan(0, count);
    }

    /// <summary>Keeps the keys of the bucket in which the mark is reached, in their order.</summary>
    private Span<ulong> Narrow(Span<ulong> keys, int shift, int count, Mark mark, scoped ref double sum)
    {
        var buckets = _buckets.AsSpan(0, count);
        buckets.Clear();
        foreach (ulong key in keys)
        {
            buckets[(int)(Bits(key) >> shift) & (count - 1)] += Weight(key);
        }

        int bucket = Walk(buckets, mark, ref sum);
        int kept = 0;
        foreach (ulong key in keys)
        {
            if (((Bits(key) >> shift) & (count - 1)) == bucket)
            {
                keys[kept++] = key;
            }
        }

        return keys[..kept];
    }

    /// <summary>Among candidates of one weight the one is found by division.</summary>
    private static (ulong Key, double Sum) Equals(ReadOnlySpan<ulong> keys, Mark mark, double sum)
    {
        double weight = Weight(keys[0]);
        int index = (int)Math.Clamp(((mark.Value - sum) / weight) - 1, 0, keys.Length - 1);
        while (index < keys.Length - 1 && !mark.IsReached(sum + ((index + 1) * weight)))
        {
            index++;
        }

        return (keys[index], sum + ((index + 1) * weight));
    }

    /// <summary>A place on the line of cumulative weights.</summary>
    /// <param name="Beyond">Whether it is reached only by what is more than it.</param>
    private readonly record struct Mark(double Value, bool Beyond)
    {
        public bool IsReached(double sum) => Beyond ? sum > Value : sum >= Value;
    }
}
