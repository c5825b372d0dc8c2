namespace Crescent.Attention;

/// <summary>Rotary position embedding: the cosines and sines of a batch's positions, the same for all layers and heads.</summary>
/// <param name="inverseFrequencies">[dim / 2], radians per position, scaling applied.</param>
public sealed class Rotary(double[] inverseFrequencies)
{
    /// <summary>Elements per row: dim / 2 cosines, then as many sines.</summary>
    public int Columns => inverseFrequencies.Length * 2;

    /// <summary>Fills [batch rows, <see cref="Columns"/>]. Angles are computed in double: position times frequency loses bits in fp32.</summary>
    public void Fill(AttentionBatch batch, Span<float> rotation)
    {
        for (int s = 0; s < batch.Segments.Count; s++)
        {
            var segment = batch.Segments[s];
            for (int i = 0; i < segment.Rows; i++)
            {
                var row = rotation.Slice((segment.FirstRow + i) * Columns, Columns);
                for (int f = 0; f < inverseFrequencies.Length; f++)
                {
                    var (sine, cosine) = Math.SinCos((segment.FirstPosition + i) * inverseFrequencies[f]);
                    row[f] = (float)cosine;
                    row[inverseFrequencies.Length + f] = (float)sine;
                }
            }
        }
    }
}
