using System.Text.Json;
using Crescent.Evaluation.Tasks;
using Crescent.Models.Tokenizers;
using Crescent.Testing;

namespace Crescent.Evaluation.Tests.Support;

/// <summary>The book, the wording and a real tokenizer.</summary>
internal static class TestMaterial
{
    private const int TemplateTokens = 9;

    private static readonly ITokenizer Tokenizer = TokenizerJson.Load(Path.Combine(Repository.CrescentXs, "tokenizer.json"));

    public static string Book { get; } = File.ReadAllText(Path.Combine(Repository.Root, "models", "texts", "persuasion.txt"));

    public static RecallMaterial Material { get; } = RecallMaterial.Create(Book);

    /// <summary>As the trainer reads it.</summary>
    public static JsonElement Wording { get; } = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(Repository.Root, "src", "Crescent.Evaluation", "Tasks", "wording.json"))).RootElement;

    public static int Count(RecallPrompt prompt) =>
        TemplateTokens + Tokenizer.Encode(prompt.UserMessage, addSpecialTokens: false, parseSpecialTokens: false).Length;

    /// <summary>Whether the wording keeps a key from the trainer.</summary>
    public static bool IsHeldOut(string key)
    {
        var words = key.Split(' ');
        var (adjectives, nouns) = (Set("adjective"), Set("noun"));
        return ((adjectives.IndexOf(words[0]) * nouns.Count) + nouns.IndexOf(words[1])) % Wording.GetProperty("heldOutKeys").GetInt32() == 0;
    }

    public static List<string> Set(string name) => [.. Wording.GetProperty("sets").GetProperty(name).EnumerateArray().Select(word => word.GetString()!)];
}
