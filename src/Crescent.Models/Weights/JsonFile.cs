using System.Text.Json;

namespace Crescent.Models.Weights;

/// <summary>A JSON object in a file; whatever is wrong with it becomes a <see cref="ModelFormatException"/>.</summary>
internal sealed class JsonFile : IDisposable
{
    private readonly JsonDocument _document;

    private JsonFile(string path, JsonDocument document)
    {
        _document = document;
        Root = new JsonField(path, "", document.RootElement);
    }

    public JsonField Root { get; }

    /// <summary>null when the file does not exist.</summary>
    public static JsonFile? OpenIfExists(string path) => File.Exists(path) ? Open(path) : null;

    public static JsonFile Open(string path) => Parse(path, ModelFiles.ReadAll(path));

    public static JsonFile Parse(string path, byte[] json)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(json.AsMemory(json.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0));
        }
        catch (JsonException e)
        {
            throw new ModelFormatException(path, $"is not valid JSON: {e.Message.TrimEnd('.')}", e);
        }

        if (document.RootElement.ValueKind == JsonValueKind.Object)
        {
            return new JsonFile(path, document);
        }

        document.Dispose();
        throw new ModelFormatException(path, "the JSON is not an object");
    }

    public void Dispose() => _document.Dispose();
}

/// <summary>A value in a <see cref="JsonFile"/> and where it is.</summary>
/// <param name="Name">Path of names from the root; empty for the root.</param>
internal readonly record struct JsonField(string File, string Name, JsonElement Element)
{
    /// <summary>A member, or null when it is missing or null.</summary>
    public JsonField? Optional(string name)
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        var element = Element;
        var value = Decode(() => element.TryGetProperty(name, out var found) ? found : default);
        return value.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null)
            ? new JsonField(File, Join(name), value) : null;
    }

    public JsonField Required(string name) =>
        Optional(name) ?? throw new ModelFormatException(File, $"'{Join(name)}' is missing");

    public IEnumerable<(string Name, JsonField Value)> Fields()
    {
        if (Element.ValueKind != JsonValueKind.Object)
        {
            throw Wrong("an object");
        }

        foreach (var property in Element.EnumerateObject())
        {
            var name = Decode(() => property.Name);
            yield return (name, new JsonField(File, Join(name), property.Value));
        }
    }

    public IEnumerable<JsonField> Items()
    {
        if (Element.ValueKind != JsonValueKind.Array)
        {
            throw Wrong("an array");
        }

        foreach (var item in Element.EnumerateArray())
        {
            yield return this with { Element = item };
        }
    }

    public string Text()
    {
        var element = Element;
        return element.ValueKind == JsonValueKind.String ? Decode(() => element.GetString()!) : throw Wrong("a string");
    }

    public bool Flag() => Element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        _ => throw Wrong("true or false"),
    };

    public int Integer() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetInt32(out var value) ? value : throw Wrong("a 32-bit integer");

    public int PositiveInteger() => Integer() is var value and > 0 ? value : throw Wrong("a positive integer");

    public long[] Integers() => [.. Items().Select(item =>
        item.Element.ValueKind == JsonValueKind.Number && item.Element.TryGetInt64(out var value)
            ? value : throw item.Wrong("made of 64-bit integers"))];

    /// <summary>A finite number.</summary>
    public double Number() =>
        Element.ValueKind == JsonValueKind.Number && Element.TryGetDouble(out var value) && double.IsFinite(value)
            ? value : throw Wrong("a finite number");

    public double PositiveNumber() => Number() is var value and > 0 ? value : throw Wrong("a positive number");

    public ModelFormatException Wrong(string expected) => new(File, $"'{Name}' is not {expected}");

    private string Join(string name) => Name.Length == 0 ? name : $"{Name}.{name}";

    private T Decode<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (InvalidOperationException e)
        {
            throw new ModelFormatException(File, $"a string in '{Name}' is not valid Unicode", e);
        }
    }
}
