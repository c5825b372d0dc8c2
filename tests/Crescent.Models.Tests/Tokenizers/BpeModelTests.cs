namespace Crescent.Models.Tests.Tokenizers;

public sealed class BpeModelTests
{
    [Fact]
    public void MergesAsTheDefinitionSays()
    {
        // The definition: while any pair has a merge, apply the best one, leftmost first.
        var random = new Random(5);
        for (var run = 0; run < 500; run++)
        {
            var merges = RandomMerges(random);
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 40)).Select(_ => (char)('a' + random.Next(3))));
            var tokenizer = TestTokenizer.ByteLevel(merges);

            Assert.Equal(Naive(merges, text).Select(s => tokenizer.FindToken(s)!.Value), Encode(tokenizer, text));
        }
    }

    [Fact]
    public void APieceThatIsATokenIgnoresMergesWhenTheModelSaysSo()
    {
        // No merge makes "abc", so only the whole-piece rule finds it.
        void AddWhole(System.Text.Json.Nodes.JsonObject file, bool ignoreMerges)
        {
            file["model"]!["vocab"]!["abc"] = 300;
            file["model"]!["ignore_merges"] = ignoreMerges;
        }

        Assert.Equal([300], Encode(TestTokenizer.ByteLevel(["a b"], f => AddWhole(f, ignoreMerges: true)), "abc"));
        Assert.Equal([256, 'c'], Encode(TestTokenizer.ByteLevel(["a b"], f => AddWhole(f, ignoreMerges: false)), "abc"));
    }

    [Fact]
    public void AMergeListedTwiceCountsWithItsLaterRank() =>
        Assert.Equal(['a', 257], Encode(TestTokenizer.ByteLevel(["a b", "b c", "a b"], f => f["model"]!["vocab"]!["bc"] = 257), "abc"));

    [Fact]
    public void AByteTokenIsUsedForACharacterWithoutAToken()
    {
        var tokenizer = TestTokenizer.SentencePieceLike([]);

        Assert.Equal(
            ["▁", "a", "<0xC3>", "<0xA9>"],
            Spellings(tokenizer, tokenizer.Encode("aé", addSpecialTokens: false, parseSpecialTokens: false), ["▁", "a", "<0xC3>", "<0xA9>"]));
    }

    [Fact]
    public void UnknownCharactersFuseWhenThereAreNoByteTokens()
    {
        var tokenizer = TestTokenizer.SentencePieceLike([], f => f["model"]!["byte_fallback"] = false);
        var apart = TestTokenizer.SentencePieceLike([], f =>
        {
            f["model"]!["byte_fallback"] = false;
            f["model"]!["fuse_unk"] = false;
        });

        string[] candidates = ["▁", "a", "<unk>"];
        Assert.Equal(["▁", "<unk>", "a"], Spellings(tokenizer, Encode(tokenizer, "éüa"), candidates));
        Assert.Equal(["▁", "<unk>", "<unk>", "a"], Spellings(apart, Encode(apart, "éüa"), candidates));
    }

    [Fact]
    public void UnpairedSurrogatesAreReplacementCharacters()
    {
        var tokenizer = TestTokenizer.ByteLevel([]);

        Assert.Equal(Encode(tokenizer, "a\ufffdb\ufffd"), Encode(tokenizer, "a\ud83db\ude00"));
    }

    private static int[] Encode(ITokenizer tokenizer, string text) =>
        tokenizer.Encode(text, addSpecialTokens: false, parseSpecialTokens: false);

    private static IEnumerable<string> Spellings(ITokenizer tokenizer, int[] ids, string[] candidates) =>
        ids.Select(id => candidates.Single(c => tokenizer.FindToken(c) == id));

    private static string[] RandomMerges(Random random)
    {
        var tokens = new List<string> { "a", "b", "c" };
        var merges = new List<string>();
        for (var i = random.Next(1, 12); i > 0; i--)
        {
            var (left, right) = (tokens[random.Next(tokens.Count)], tokens[random.Next(tokens.Count)]);
            if (!tokens.Contains(left + right))
            {
                tokens.Add(left + right);
                merges.Add($"{left} {right}");
            }
        }

        return [.. merges.OrderBy(_ => random.Next())];
    }

    private static List<string> Naive(string[] merges, string text)
    {
        var symbols = text.Select(c => c.ToString()).ToList();
        while (true)
        {
            var best = Enumerable.Range(0, symbols.Count - 1)
                .Select(i => (Rank: Array.IndexOf(merges, $"{symbols[i]} {symbols[i + 1]}"), Index: i))
                .Where(m => m.Rank >= 0)
                .DefaultIfEmpty((Rank: -1, Index: -1))
                .Min();
            if (best.Index < 0)
            {
                return symbols;
            }

            symbols[best.Index] += symbols[best.Index + 1];
            symbols.RemoveAt(best.Index + 1);
        }
    }
}
