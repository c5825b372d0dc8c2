using System.Globalization;

namespace Crescent.Cli.Output;

/// <summary>Sizes as people write them.</summary>
internal static class ByteSize
{
    private const string Prefixes = "KMGT";

    /// <summary>
    /// A number and a unit: B, or K, M, G, T with nothing or iB behind it (1,024) or B (1,000). No unit is bytes.
    /// Case does not matter.
    /// </summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        string trimmed = text.Trim();
        int digits = trimmed.AsSpan().LastIndexOfAnyInRange('0', '9') + 1;
        if (!decimal.TryParse(trimmed.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal number)
            || UnitOf(trimmed[digits..].TrimStart()) is not { } unit
            || number > long.MaxValue / unit)
        {
            return false;
        }

        bytes = (long)(number * unit);
        return true;
    }

    /// <summary>In binary units with one decimal: 10.5 MiB.</summary>
    public static string Format(long bytes)
    {
        if (bytes < 1024)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{bytes} B");
        }

        double value = bytes;
        int prefix = -1;
        while (value >= 1024 && prefix < Prefixes.Length - 1)
        {
            value /= 1024;
            prefix++;
        }

        return string.Create(CultureInfo.InvariantCulture, $"{value:0.#} {Prefixes[prefix]}iB");
    }

    private static decimal? UnitOf(string text)
    {
        if (text.Length == 0 || text.Equals("B", StringComparison.OrdinalIgnoreCase))
        {
            return 1;
        }

        int power = Prefixes.IndexOf(char.ToUpperInvariant(text[0])) + 1;
        decimal? thousand = power == 0 ? null : text[1..].ToUpperInvariant() switch
        {
            "" or "IB" => 1024,
            "B" => 1000,
            _ => null,
        };
        return thousand is { } t ? Enumerable.Repeat(t, power).Aggregate((a, b) => a * b) : null;
    }
}
