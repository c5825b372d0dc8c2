using System.Globalization;
using Crescent.Evaluation.Running;

namespace Crescent.Evaluation.Reports;

/// <summary>How reports call things.</summary>
internal static class Names
{
    /// <summary>16K, or 1,000.</summary>
    public static string Of(int length) =>
        length % 1024 == 0 ? string.Create(CultureInfo.InvariantCulture, $"{length / 1024}K") : length.ToString("N0", CultureInfo.InvariantCulture);

    public static string Of(Variant variant) => $"{variant.KvPolicy}, KV {variant.KvType}";
}
