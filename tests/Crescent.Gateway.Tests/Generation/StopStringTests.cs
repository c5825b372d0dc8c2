using System.Text;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Tests.Generation;

public sealed class StopStringTests
{
    private static readonly int RandomCases = Environment.GetEnvironmentVariable("CRESCENT_LONG") == "1" ? 200_000 : 5_000;

    [Theory]
    [InlineData("abcabd", "abd")]
    [InlineData("aabaabaaab", "aabaaa", "baaab")]
    [InlineData("abcdabcx", "abcx", "cda")]
    [InlineData("xabcd", "abcd", "c")]
    [InlineData("no match", "matches")]
    [InlineData("aé😀b", "😀", "😁")]
    [InlineData("é😀", "😁b")]
    [InlineData("end", "end")]
    public void Every_split_into_tokens_gives_the_text_of_the_whole_text_algorithm(string text, params string[] stops)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        string expected = Cut(text, stops);
        for (int cuts = 0; cuts < 1 << (bytes.Length - 1); cuts++)
        {
            var pieces = new List<byte[]>();
            int start = 0;
            for (int i = 1; i <= bytes.Length; i++)
            {
                if (i == bytes.Length || (cuts >> (i - 1) & 1) == 1)
                {
                    pieces.Add(bytes[start..i]);
                    start = i;
                }
            }

            AssertText(expected, pieces, stops);
        }
    }

    [Fact]
    public void Random_texts_stops_and_splits_give_the_text_of_the_whole_text_algorithm()
    {
        var random = new Random(20250307);
        for (int i = 0; i < RandomCases; i++)
        {
            string text = RandomText(random, random.Next(0, 60));
            string[] stops = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => RandomText(random, random.Next(1, 7)))];
            byte[] bytes = Encoding.UTF8.GetBytes(text);
            var pieces = new List<byte[]>();
            for (int at = 0; at < bytes.Length;)
            {
                int length = Math.Min(bytes.Length - at, random.Next(0, 6));
                pieces.Add(bytes[at..(at + length)]);
                at += length;
            }

            AssertText(Cut(text, stops), pieces, stops);
        }
    }

    [Fact]
    public void Text_that_cannot_become_a_stop_string_is_not_held_back()
    {
        ChoiceStream choice = Choice(["ab"u8.ToArray(), "c"u8.ToArray(), "x"u8.ToArray()], ["cd"]);

        Assert.Equal("ab", choice.Append(Frame(0))?.Text);
        Assert.Null(choice.Append(Frame(1)));
        Assert.Equal("cx", choice.Append(Frame(2))?.Text);
    }

    [Fact]
    public void A_token_comes_out_with_its_text()
    {
        ChoiceStream choice = Choice(["ab"u8.ToArray(), "c"u8.ToArray(), "x"u8.ToArray()], ["cd"]);

        Assert.Equal([0], Ids(choice.Append(Frame(0))));
        Assert.Null(choice.Append(Frame(1)));
        Assert.Equal([1, 2], Ids(choice.Append(Frame(2))));
    }

    [Fact]
    public void The_tokens_of_a_stop_string_are_left_out_and_the_one_it_begins_in_is_not()
    {
        ChoiceStream choice = Choice(["a"u8.ToArray(), "bST"u8.ToArray(), "O"u8.ToArray(), "P!"u8.ToArray()], ["STOP"]);

        Assert.Equal([0], Ids(choice.Append(Frame(0))));
        Assert.Equal("b", choice.Append(Frame(1))?.Text);
        Assert.Null(choice.Append(Frame(2)));
        CompletionDelta last = choice.Append(Frame(3))!;

        Assert.Equal([1], Ids(last));
        Assert.Equal("", last.Text);
        Assert.Equal(FinishReason.Stop, last.FinishReason);
        Assert.Equal("STOP", last.StopString);
        Assert.Equal(4, choice.GeneratedTokens);
    }

    [Fact]
    public void Half_a_character_at_the_end_comes_out_as_the_replacement_character()
    {
        ChoiceStream choice = Choice([[0xF0, 0x9F]], []);

        Assert.Null(choice.Append(Frame(0)));
        Assert.Equal("\uFFFD", choice.End(FinishReason.Length).Text);
    }

    /// <summary>Grows the text by one character at a time; the first stop string to be complete ends it, the longest of several.</summary>
    private static string Cut(string text, string[] stops)
    {
        for (int end = 1; end <= text.Length; end++)
        {
            int longest = stops.Where(s => text[..end].EndsWith(s, StringComparison.Ordinal)).Select(s => s.Length).DefaultIfEmpty(0).Max();
            if (longest > 0)
            {
                return text[..(end - longest)];
            }
        }

        return text;
    }

    private static void AssertText(string expected, List<byte[]> pieces, string[] stops)
    {
        ChoiceStream choice = Choice(pieces, stops);
        var text = new StringBuilder();
        for (int i = 0; i < pieces.Count && choice.FinishReason is null; i++)
        {
            text.Append(choice.Append(Frame(i))?.Text);
        }

        if (choice.FinishReason is null)
        {
            text.Append(choice.End(FinishReason.Length).Text);
        }

        Assert.Equal(expected, text.ToString());
    }

    private static ChoiceStream Choice(IReadOnlyList<byte[]> pieces, string[] stops)
    {
        ServedModel model = FakeCluster.CreateModel("m", null, 100) with { Tokenizer = new PieceTokenizer([.. pieces, "prompt"u8.ToArray()]) };
        var request = new GenerateRequest { Id = "r", Model = "m", PromptTokens = [pieces.Count], MaxTokens = 99 };
        return new ChoiceStream(0, request, model, stops.Length == 0 ? null : new StopStrings(stops), []);
    }

    private static TokenFrame Frame(int token) => new() { Attempt = 0, Position = token, Token = token };

    private static int[] Ids(CompletionDelta? delta) => [.. delta!.Tokens.Select(t => t.Id)];

    private static string RandomText(Random random, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => random.Next(8) switch
        {
            0 => "😀",
            1 => "é",
            2 or 3 => "b",
            _ => "a",
        }));
}
