namespace Crescent.Attention.Dense;

/// <summary>Every query attends to every position before it: the baseline, and the oracle of every selector.</summary>
/// <param name="backend">Runs it.</param>
/// <param name="pool">The KV of all sequences.</param>
/// <param name="headDim">Scores are scaled by 1 / √dim.</param>
/// <param name="interleaved">Which elements of a head rotate together.</param>
public sealed class DenseAttention<T>(IBackend<T> backend, T pool, int headDim, bool interleaved)
    where T : class
{
    private readonly float _scale = 1 / MathF.Sqrt(headDim);

    /// <summary>Writes the batch's K and V to its slots, then attends: a row sees its own position too.</summary>
    /// <param name="q">[rows, heads · dim]; rotated in place.</param>
    /// <param name="k">[rows, KV heads · dim]; rotated in place.</param>
    /// <param name="v">[rows, KV heads · dim].</param>
    /// <param name="rotation">From <see cref="Rotary"/>.</param>
    /// <param name="output">[rows, heads · dim].</param>
    public void Forward(T q, T k, T v, T rotation, int layer, AttentionBatch batch, T output)
    {
        backend.RopeAndWriteKv(q, k, v, rotation, interleaved, pool, layer, batch);
        backend.Attend(q, pool, layer, batch, _scale, output);
    }
}
