using System.Numerics.Tensors;

namespace Crescent.Evaluation.Measures;

/// <summary>Softmax distributions given by their logits, computed in double.</summary>
internal static class Distribution
{
    /// <summary>ln Σ exp(logit).</summary>
    public static double LogSum(ReadOnlySpan<float> logits)
    {
        double max = TensorPrimitives.Max(logits);
        double sum = 0;
        foreach (float logit in logits)
        {
            sum += Math.Exp(logit - max);
        }

        return max + Math.Log(sum);
    }

    /// <summary>KL(p || q) in nats.</summary>
    public static double Divergence(ReadOnlySpan<float> p, ReadOnlySpan<float> q)
    {
        var (sumP, sumQ) = (LogSum(p), LogSum(q));
        double divergence = 0;
        for (int i = 0; i < p.Length; i++)
        {
            double logP = p[i] - sumP;
            divergence += Math.Exp(logP) * (logP - (q[i] - sumQ));
        }

        // What rounding leaves of two distributions that are almost the same may be below zero.
        return Math.Max(divergence, 0);
    }

    /// <summary>The likeliest token; of equals the lowest id.</summary>
    public static int Best(ReadOnlySpan<float> logits) => logits.IndexOf(TensorPrimitives.Max(logits));
}
