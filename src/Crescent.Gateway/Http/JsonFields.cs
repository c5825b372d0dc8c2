using System.Text.Json;

namespace Crescent.Gateway.Http;

/// <summary>
/// A JSON object's members by type. A member that is absent or null reads as null; one of the wrong type is refused
/// with its name. Members nobody asks for are ignored.
/// </summary>
internal readonly struct JsonFields
{
    private readonly JsonElement _object;
    private readonly string _prefix;

    /// <param name="path">How errors name the object; "" is the body.</param>
    public JsonFields(JsonElement element, string path = "")
    {
        if (element.ValueKind != JsonValueKind.Object)
        {
            throw path.Length == 0
                ? new RequestException(RefusalKind.Invalid, $"The body must be a JSON object, not {Describe(element)}.")
                : WrongType(path, "an object", element);
        }

        _object = element;
        _prefix = path.Length == 0 ? "" : path + ".";
    }

    public string? String(string name) =>
        TryGet(name, out JsonElement value) ? AsString(value, _prefix + name) : null;

    public bool? Boolean(string name)
    {
        if (!TryGet(name, out JsonElement value))
        {
            return null;
        }

        return value.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? value.GetBoolean()
            : throw WrongType(_prefix + name, "true or false", value);
    }

    public int? Integer(string name) => TryGet(name, out JsonElement value) ? AsInteger(value, _prefix + name) : null;

    public float? Number(string name) => TryGet(name, out JsonElement value) ? AsNumber(value, _prefix + name) : null;

    /// <summary>Any 64-bit integer; a negative one gives its two's complement.</summary>
    public ulong? Seed(string name)
    {
        if (!TryGet(name, out JsonElement value))
        {
            return null;
        }

        if (value.ValueKind == JsonValueKind.Number)
        {
            if (value.TryGetInt64(out long signed))
            {
                return unchecked((ulong)signed);
            }

            if (value.TryGetUInt64(out ulong unsigned))
            {
                return unsigned;
            }
        }

        throw WrongType(_prefix + name, "a whole number of at most 64 bits", value);
    }

    public JsonFields? Object(string name) =>
        TryGet(name, out JsonElement value) ? new JsonFields(value, _prefix + name) : null;

    public bool TryGet(string name, out JsonElement value) =>
        _object.TryGetProperty(name, out value) && value.ValueKind != JsonValueKind.Null;

    public JsonElement.ObjectEnumerator Members() => _object.EnumerateObject();

    public static string AsString(JsonElement value, string path)
    {
        if (value.ValueKind != JsonValueKind.String)
        {
            throw WrongType(path, "a string", value);
        }

        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new RequestException(RefusalKind.Invalid, $"'{path}' has an unpaired surrogate (\\ud800–\\udfff).", path);
        }
    }

    public static int AsInteger(JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.Number)
        {
            if (value.TryGetInt32(out int number))
            {
                return number;
            }

            if (value.TryGetDouble(out double real) && real == Math.Truncate(real) && Math.Abs(real) <= int.MaxValue)
            {
                return (int)real;
            }
        }

        throw WrongType(path, "a whole number of at most 32 bits", value);
    }

    public static float AsNumber(JsonElement value, string path) =>
        value.ValueKind == JsonValueKind.Number ? (float)value.GetDouble() : throw WrongType(path, "a number", value);

    public static RequestException WrongType(string path, string expected, JsonElement value) =>
        new(RefusalKind.Invalid, $"'{path}' must be {expected}, not {Describe(value)}.", path);

    private static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Array => "an array",
        JsonValueKind.Object => "an object",
        JsonValueKind.String => "a string",
        JsonValueKind.Null => "null",
        JsonValueKind.Number => $"the number {Shorten(value.GetRawText())}",
        _ => value.GetRawText(),
    };

    private static string Shorten(string text) => text.Length <= 32 ? text : text[..32] + "…";
}
