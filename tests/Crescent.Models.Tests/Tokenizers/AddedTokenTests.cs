using System.Text.Json.Nodes;

namespace Crescent.Models.Tests.Tokenizers;

public sealed class AddedTokenTests
{
    private const int Added = 1002;

    [Fact]
    public void ASpecialTokenInParsedTextIsItsId() =>
        Assert.Equal(['a', TestTokenizer.End, 'b'], Encode(TestTokenizer.ByteLevel([]), "a</s>b"));

    [Fact]
    public void ASpecialTokenInAUsersTextIsPlainText()
    {
        var ids = TestTokenizer.ByteLevel([]).Encode("a</s>b", addSpecialTokens: false, parseSpecialTokens: false);

        Assert.Equal("a</s>b".Length, ids.Length);
        Assert.DoesNotContain(TestTokenizer.End, ids);
    }

    [Fact]
    public void AnOrdinaryAddedTokenIsFoundInAUsersTextToo()
    {
        var tokenizer = With("think", special: false);

        Assert.Equal([Added], tokenizer.Encode("think", addSpecialTokens: false, parseSpecialTokens: false));
    }

    [Fact]
    public void TheLongestOfSeveralIsTaken()
    {
        var tokenizer = With("</s></s>");

        Assert.Equal([Added, TestTokenizer.End], Encode(tokenizer, "</s></s></s>"));
    }

    [Fact]
    public void ALongerSpellingThatBreaksOffFallsBackToTheShorterOne()
    {
        var tokenizer = With("</s>!!");

        Assert.Equal([TestTokenizer.End, .. "!?".Select(c => (int)c)], Encode(tokenizer, "</s>!?"));
    }

    [Fact]
    public void StrippingTakesTheWhiteSpaceOnItsSide()
    {
        Assert.Equal(['a', Added, ' ', 'b'], Encode(With("<m>", t => t["lstrip"] = true), "a \n<m> b"));
        Assert.Equal(['a', ' ', Added, 'b'], Encode(With("<m>", t => t["rstrip"] = true), "a <m> \nb"));
    }

    [Fact]
    public void ASingleWordIsNotFoundInsideAnother()
    {
        var tokenizer = With("cat", t => t["single_word"] = true);

        Assert.Equal([Added], Encode(tokenizer, "cat"));
        Assert.Equal(['(', Added, ')'], Encode(tokenizer, "(cat)"));
        Assert.DoesNotContain(Added, Encode(tokenizer, "cats"));
        Assert.DoesNotContain(Added, Encode(tokenizer, "écat"));
        Assert.DoesNotContain(Added, Encode(tokenizer, "_cat"));
    }

    [Fact]
    public void ANormalizedTokenIsLookedForInTheNormalizedText()
    {
        var nfc = TestTokenizer.Parse("""{"type": "NFC"}""");
        var normalized = With("e\u0301", t => t["normalized"] = true, file => file["normalizer"] = nfc.DeepClone());
        var raw = With("e\u0301", t => t["normalized"] = false, file => file["normalizer"] = nfc.DeepClone());

        Assert.Equal([Added], Encode(normalized, "\u00e9"));
        Assert.Equal([Added], Encode(normalized, "e\u0301"));
        Assert.DoesNotContain(Added, Encode(raw, "\u00e9"));
        Assert.Equal([Added], Encode(raw, "e\u0301"));
    }

    [Fact]
    public void TokensAreFoundBySpelling()
    {
        var tokenizer = TestTokenizer.ByteLevel(["t h"]);

        Assert.Equal(TestTokenizer.End, tokenizer.FindToken("</s>"));
        Assert.Equal(256, tokenizer.FindToken("th"));
        Assert.Null(tokenizer.FindToken("the"));
    }

    [Fact]
    public void ASpecialTokensBytesAreItsSpelling() =>
        Assert.Equal("</s>"u8.ToArray(), TestTokenizer.ByteLevel([]).GetBytes(TestTokenizer.End).ToArray());

    [Fact]
    public void AnIdWithoutATokenHasNoBytes()
    {
        var tokenizer = TestTokenizer.ByteLevel([]);

        Assert.Equal(TestTokenizer.End + 1, tokenizer.VocabularySize);
        Assert.True(tokenizer.GetBytes(300).IsEmpty);
        Assert.True(tokenizer.GetBytes(tokenizer.VocabularySize).IsEmpty);
        Assert.True(tokenizer.GetBytes(-1).IsEmpty);
    }

    private static int[] Encode(ITokenizer tokenizer, string text) =>
        tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: true);

    private static ITokenizer With(string content, bool special) => With(content, t => t["special"] = special);

    private static ITokenizer With(string content, Action<JsonObject>? token = null, Action<JsonObject>? file = null) =>
        TestTokenizer.ByteLevel([], json =>
        {
            var added = new JsonObject { ["id"] = Added, ["content"] = content, ["special"] = true };
            token?.Invoke(added);
            json["added_tokens"]!.AsArray().Add(added);
            file?.Invoke(json);
        });
}
