using System.Runtime.CompilerServices;
using Crescent.Backends.Cpu.Simd;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>
/// Partial attention of a tile's queries over some keys: o = Σ exp(score − max) · v and sum = Σ exp(score − max), in
/// fp32. A maximum of −∞ means that nothing was attended (invariant 7).
/// </summary>
/// <param name="memory"><see cref="Floats"/> floats: o [queries, dim], then maxima and sums.</param>
internal readonly unsafe struct AttendState<TSimd, TVec>(float* memory, int queries, int dim)
    where TSimd : struct, ISimd<TVec>
    where TVec : unmanaged
{
    public float* O => memory;

    public float* Maxima => memory + ((long)queries * dim);

    public float* Sums => Maxima + queries;

    public static int Floats(int queries, int dim) => queries * (dim + 2);

    public void Clear()
    {
        new Span<float>(memory, Floats(queries, dim)).Clear();
        new Span<float>(Maxima, queries).Fill(float.NegativeInfinity);
    }

    /// <summary>Takes over the partial of later keys: both are rescaled to the larger maximum.</summary>
    public void Merge(in AttendState<TSimd, TVec> later)
    {
        for (int query = 0; query < queries; query++)
        {
            if (later.Maxima[query] == float.NegativeInfinity)
            {
                continue;
            }

            float max = MathF.Max(Maxima[query], later.Maxima[query]);
            float keep = MathF.Exp(Maxima[query] - max);
            float add = MathF.Exp(later.Maxima[query] - max);
            Maxima[query] = max;
            Sums[query] = MathF.FusedMultiplyAdd(Sums[query], keep, later.Sums[query] * add);
            MergeValues(O + ((long)query * dim), later.O + ((long)query * dim), keep, add);
        }
    }

    /// <summary>target = o / sum of one query.</summary>
    [MethodImpl(Kernel.FullyOptimised)]
    public void Normalised(int query, float* target)
    {
        float* o = O + ((long)query * dim);
        float scale = 1 / Sums[query];
        int i = 0;
        for (; i + TSimd.Width <= dim; i += TSimd.Width)
        {
            TSimd.Store(target + i, TSimd.Mul(TSimd.Load(o + i), TSimd.Broadcast(scale)));
        }

        for (; i < dim; i++)
        {
            target[i] = o[i] * scale;
        }
    }

    [MethodImpl(Kernel.FullyOptimised)]
    private void MergeValues(float* o, float* later, float keep, float add)
    {
        int i = 0;
        for (; i + TSimd.Width <= dim; i += TSimd.Width)
        {
            var added = TSimd.Mul(TSimd.Load(later + i), TSimd.Broadcast(add));
            TSimd.Store(o + i, TSimd.Fma(TSimd.Load(o + i), TSimd.Broadcast(keep), added));
        }

        for (; i < dim; i++)
        {
            o[i] = MathF.FusedMultiplyAdd(o[i], keep, later[i] * add);
        }
    }
}
