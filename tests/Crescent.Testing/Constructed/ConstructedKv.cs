namespace Crescent.Testing;

/// <summary>
/// The KV that a decoder of the <see cref="ConstructedModel"/> computes, without the decoder: a position's K and V depend on
/// its token, the three before it and the position alone. So a context of a million tokens takes seconds.
/// Equal to the decoder's up to rounding. Not safe for concurrent use.
/// </summary>
/// <param name="layout">Of the constructed model.</param>
public sealed class ConstructedKv(KvLayout layout)
{
    private const int Previous = ConstructedModel.ContextTokens;
    private readonly double[] _frequencies = ConstructedModel.Config.InverseFrequencies();
    private readonly float[] _elements = new float[2 * layout.KvHeads * layout.BlockSize * layout.HeadDim];
    private readonly float[] _key = new float[layout.HeadDim];

    /// <summary>Fills a block in the interchange layout; positions behind the text are zero.</summary>
    /// <param name="tokens">The text from its beginning.</param>
    /// <param name="block">The block's index in the text.</param>
    /// <param name="bytes">The block's bytes, all layers.</param>
    public void Fill(ReadOnlySpan<int> tokens, int block, Span<byte> bytes)
    {
        int first = block * layout.BlockSize;
        int count = Math.Min(layout.BlockSize, tokens.Length - first);
        for (int layer = 0; layer < layout.Layers; layer++)
        {
            Array.Clear(_elements);
            for (int i = 0; i < count; i++)
            {
                FillPosition(tokens, layer, first + i, i);
            }

            WeightEncoding.Encode(_elements, layout.Type, bytes.Slice((int)(layer * layout.LayerBytes), (int)layout.LayerBytes));
        }
    }

    private void FillPosition(ReadOnlySpan<int> tokens, int layer, int position, int row)
    {
        double gain = layer == 0 ? DistanceKey() : MatchKey(tokens, position);
        Rotate(position);
        var code = ConstructedModel.Code(tokens[position]);
        for (int head = 0; head < layout.KvHeads; head++)
        {
            _key.CopyTo(Row(head, row));
            var value = Row(layout.KvHeads + head, row);
            for (int i = 0; i < ConstructedModel.CodePart; i++)
            {
                value[i] = (float)(code[(head * ConstructedModel.CodePart) + i] * gain);
            }
        }
    }

    private Span<float> Row(int head, int row) => _elements.AsSpan(((head * layout.BlockSize) + row) * layout.HeadDim, layout.HeadDim);

    /// <summary>Layer 0's key before rotation; returns what the norm makes of 1.</summary>
    private double DistanceKey()
    {
        Array.Clear(_key);
        _key.AsSpan(0, ConstructedModel.TurningPairs).Fill(1);
        return 1;
    }

    /// <summary>Layer 1's key before rotation; returns what the norm makes of 1.</summary>
    private double MatchKey(ReadOnlySpan<int> tokens, int position)
    {
        Span<double> codes = stackalloc double[Previous * ConstructedModel.CodeLength];
        codes.Clear();
        for (int distance = 1; distance <= Previous; distance++)
        {
            AddPrevious(tokens, position, distance, codes.Slice((distance - 1) * ConstructedModel.CodeLength, ConstructedModel.CodeLength));
        }

        double squares = 0;
        foreach (double element in codes)
        {
            squares += element * element;
        }

        double gain = ConstructedModel.Length(codes: 1 + Previous) / ConstructedModel.Length(codes: 1 + (squares / ConstructedModel.CodeLength));
        Array.Clear(_key);
        for (int i = 0; i < codes.Length; i++)
        {
            _key[ConstructedModel.MatchDimension(i)] = (float)(codes[i] * gain);
        }

        return gain;
    }

    /// <summary>Adds the code of the token so far back, or where the text has not begun there what the head sees instead.</summary>
    private void AddPrevious(ReadOnlySpan<int> tokens, int position, int distance, Span<double> codes)
    {
        if (position >= distance)
        {
            AddCode(tokens[position - distance], 1, codes);
            return;
        }

        Span<double> weights = stackalloc double[position + 1];
        double total = 0;
        for (int at = 0; at <= position; at++)
        {
            double score = 0;
            for (int pair = 0; pair < ConstructedModel.TurningPairs; pair++)
            {
                score += ConstructedModel.DistanceScore * (Math.Cos((position - at - distance) * _frequencies[pair]) - 1);
            }

            weights[at] = Math.Exp(score);
            total += weights[at];
        }

        for (int at = 0; at <= position; at++)
        {
            AddCode(tokens[at], weights[at] / total, codes);
        }
    }

    private static void AddCode(int token, double weight, Span<double> codes)
    {
        var code = ConstructedModel.Code(token);
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] += weight * code[i];
        }
    }

    private void Rotate(int position)
    {
        int half = layout.HeadDim / 2;
        for (int i = 0; i < half; i++)
        {
            var (sine, cosine) = Math.SinCos(position * _frequencies[i]);
            var (first, second) = (_key[i], _key[half + i]);
            _key[i] = (first * (float)cosine) - (second * (float)sine);
            _key[half + i] = (second * (float)cosine) + (first * (float)sine);
        }
    }
}
