using System.Runtime.Intrinsics;

namespace Crescent.Models.Sampling;

internal static class Sums
{
    /// <summary>
    /// In double, in eight lanes that are added at the end: one order whatever the processor, and unlike
    /// TensorPrimitives.Sum wherever the array lies.
    /// </summary>
    public static double Total(ReadOnlySpan<float> values)
    {
        var lanes = Vector512<double>.Zero;
        int i = 0;
        for (; i + Vector512<double>.Count <= values.Length; i += Vector512<double>.Count)
        {
            var (low, high) = Vector256.Widen(Vector256.Create(values[i..]));
            lanes += Vector512.Create(low, high);
        }

        double total = Vector512.Sum(lanes);
        for (; i < values.Length; i++)
        {
            total += values[i];
        }

        return total;
    }
}
