namespace Crescent.Models.Weights;

/// <summary>Typed reading of GGUF's key-value pairs.</summary>
internal readonly record struct GgufMetadata(string File, IReadOnlyDictionary<string, object> Pairs)
{
    public string? Text(string key) => Pairs.GetValueOrDefault(key) switch
    {
        null => null,
        string text => text,
        _ => throw Wrong(key, "a string"),
    };

    public string[]? Strings(string key) => Pairs.GetValueOrDefault(key) switch
    {
        null => null,
        string[] texts => texts,
        _ => throw Wrong(key, "an array of strings"),
    };

    public int? Integer(string key) => Pairs.GetValueOrDefault(key) switch
    {
        null => null,
        byte value => value,
        sbyte value => value,
        ushort value => value,
        short value => value,
        int value => value,
        uint value and <= int.MaxValue => (int)value,
        ulong value and <= int.MaxValue => (int)value,
        long value and >= int.MinValue and <= int.MaxValue => (int)value,
        _ => throw Wrong(key, "a 32-bit integer"),
    };

    /// <param name="fallback">null: the key must be there.</param>
    public int PositiveInteger(string key, int? fallback = null)
    {
        var value = Integer(key) ?? fallback ?? throw Missing(key);
        return value > 0 ? value : throw Wrong(key, "a positive integer");
    }

    /// <inheritdoc cref="PositiveInteger"/>
    public double PositiveNumber(string key, double? fallback = null)
    {
        double? found = Pairs.GetValueOrDefault(key) switch
        {
            null => null,
            float single => single,
            double number => number,
            _ => throw Wrong(key, "a floating-point number"),
        };
        var value = found ?? fallback ?? throw Missing(key);
        return double.IsFinite(value) && value > 0 ? value : throw Wrong(key, "a positive number");
    }

    private ModelFormatException Missing(string key) => new(File, $"'{key}' is missing");

    private ModelFormatException Wrong(string key, string expected) => new(File, $"'{key}' is not {expected}");
}
