using Crescent.Models.Tokenizers;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>Equality with npm @huggingface/tokenizers on seeded random and adversarial strings.</summary>
public sealed class ReferenceTests
{
    public static TheoryData<string> Names => ["llama3", "qwen3", "gpt2", "llama2"];

    [VectorTheory]
    [MemberData(nameof(Names))]
    public void EncodesAsTheReferenceDoes(string name) => CompareEncoding(name);

    [VectorTheory]
    [MemberData(nameof(Names))]
    public void DecodesAsTheReferenceDoes(string name) => CompareDecoding(name);

    [StoriesVectorFact]
    public void Stories260KEncodesAsTheReferenceDoes() => CompareEncoding("stories260K");

    [StoriesVectorFact]
    public void Stories260KDecodesAsTheReferenceDoes() => CompareDecoding("stories260K");

    private static void CompareEncoding(string name)
    {
        var tokenizer = TokenizerJson.Load(Vectors.TokenizerJsonOf(name));
        var gap = new UnicodeGap();
        var compared = 0;
        var all = 0;
        foreach (var vector in Vectors.Read<EncodeVector>($"{name}.encode.jsonl"))
        {
            var text = Vectors.Text(vector.Utf16);
            all++;
            if (gap.IsIn(text))
            {
                continue;
            }

            var ids = tokenizer.Encode(text, vector.AddSpecial, parseSpecialTokens: true);
            Assert.True(vector.Ids.SequenceEqual(ids), Difference(text, vector.Ids, ids, tokenizer));
            compared++;
        }

        Assert.True(compared > all * 9 / 10, $"only {compared} of {all} strings are in both Unicode versions");
    }

    private static void CompareDecoding(string name)
    {
        var tokenizer = TokenizerJson.Load(Vectors.TokenizerJsonOf(name));
        foreach (var vector in Vectors.Read<DecodeVector>($"{name}.decode.jsonl"))
        {
            var text = Decoding.Of(tokenizer, vector.Ids, vector.SkipSpecial);
            Assert.True(vector.Text == text, $"{string.Join(' ', vector.Ids)}: '{vector.Text}' expected, '{text}' decoded");
        }
    }

    private static string Difference(string text, int[] expected, int[] actual, ITokenizer tokenizer)
    {
        var escaped = string.Concat(text.Select(c => c is >= ' ' and <= '~' ? c.ToString() : $"\\u{(int)c:x4}"));
        string Show(int[] ids) => string.Join(' ', ids.Select(id => $"{id}[{System.Text.Encoding.UTF8.GetString(tokenizer.GetBytes(id).Span)}]"));
        return $"\"{escaped}\"\nexpected {Show(expected)}\nactual   {Show(actual)}";
    }
}
