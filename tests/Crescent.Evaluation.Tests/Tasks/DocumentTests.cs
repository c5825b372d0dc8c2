using System.Text.RegularExpressions;
using Crescent.Evaluation.Tasks;
using Crescent.Evaluation.Tests.Support;

namespace Crescent.Evaluation.Tests.Tasks;

public class DocumentTests
{
    private const int Questions = 40;

    public static TheoryData<string> Tasks => [.. RecallTasks.Names];

    [Theory]
    [MemberData(nameof(Tasks))]
    public void The_same_request_makes_the_same_document_and_every_part_of_it_another(string task)
    {
        var request = Request(task);
        var document = Make(request);
        var again = RecallTasks.Make(RecallMaterial.Create(TestMaterial.Book), request, TestMaterial.Count);

        Assert.Equal(document.Text, again.Text);
        Assert.Equal(document.Questions.Select(Spell), again.Questions.Select(Spell));
        foreach (var other in (DocumentRequest[])[request with { Seed = 2 }, request with { Document = 1 }, request with { Length = 4200 }])
        {
            var different = Make(other);
            Assert.NotEqual(document.Text, different.Text);
            Assert.Empty(document.Questions.Select(Spell).Intersect(different.Questions.Select(Spell)));
        }
    }

    [Theory]
    [MemberData(nameof(Tasks))]
    public void No_prompt_with_its_answer_is_longer_than_asked_and_the_longest_is_within_a_hundredth(string task)
    {
        foreach (int length in (int[])[8192, 10_000])
        {
            var document = Make(Request(task) with { Length = length });
            int longest = document.Questions.Max(question => TestMaterial.Count(new RecallPrompt(document.Text, question.Text))) + document.MaxTokens;

            Assert.InRange(longest, length * 0.99, length);
            Assert.Equal(longest, document.Tokens);
        }
    }

    [Theory]
    [MemberData(nameof(Tasks))]
    public void What_is_expected_stands_in_the_document_once(string task)
    {
        var document = Make(Request(task));
        var expected = document.Questions.SelectMany(question => question.Expected).Distinct().ToList();

        Assert.Equal(Questions, document.Questions.Count);
        Assert.Equal(Questions, document.Questions.Select(question => question.Text).Distinct().Count());
        Assert.All(document.Questions, question => Assert.NotEmpty(question.Expected));

        // Single words of facts, such as colours, may be in the book too.
        Assert.All(expected.Where(word => task != "facts" || word.Contains(' ')), word => Assert.Single(Regex.Matches(document.Text, $@"\b{word}\b")));
    }

    [Theory]
    [InlineData("passkey", "The pass key of the {0} is ")]
    [InlineData("key", "The magic number for the {0} is ")]
    [InlineData("multi-key", "The magic number for the {0} is ")]
    public void A_needle_stands_once_at_the_depth_that_is_stated_and_depths_are_spread(string task, string needle)
    {
        var document = Make(Request(task));
        for (int i = 0; i < Questions; i++)
        {
            var question = document.Questions[i];
            string sentence = string.Format(null, needle, AskedKey(question)) + question.Expected[0] + ".";
            Assert.Equal(2, document.Text.Split(sentence).Length);
            Assert.Equal((double)document.Text.IndexOf(sentence, StringComparison.Ordinal) / document.Text.Length, question.Depth, 1e-9);
            Assert.Equal((i + 0.5) / Questions, question.Depth, 0.03);
        }
    }

    [Theory]
    [InlineData("passkey")]
    [InlineData("key")]
    [InlineData("multi-key")]
    [InlineData("multi-value")]
    public void Keys_that_are_asked_for_are_held_out_and_asked_once(string task)
    {
        var keys = Make(Request(task)).Questions.Select(AskedKey).ToList();

        Assert.All(keys, key => Assert.True(TestMaterial.IsHeldOut(key), key));
        Assert.Equal(Questions, keys.Distinct().Count());
    }

    [Fact]
    public void Multi_key_is_needles_alone_ten_to_a_paragraph_with_keys_and_numbers_of_their_own()
    {
        string text = Make(Request("multi-key")).Text;
        var paragraphs = text.Split("\n\n").Select(paragraph => Regex.Matches(paragraph, @"The magic number for the (\w+ \w+) is (\d{5})\.")).ToList();
        var needles = paragraphs.SelectMany(matches => matches).ToList();

        Assert.All(paragraphs.SkipLast(1), matches => Assert.Equal(10, matches.Count));
        Assert.Equal(text.Length, needles.Sum(needle => needle.Length + 1) - 1 + paragraphs.Count - 1);
        Assert.Equal(needles.Count, needles.Select(needle => needle.Groups[1].Value).Distinct().Count());
        Assert.Equal(needles.Count, needles.Select(needle => needle.Groups[2].Value).Distinct().Count());
        Assert.Contains(needles, needle => !TestMaterial.IsHeldOut(needle.Groups[1].Value));
        Assert.All(needles, needle => Assert.NotEqual('0', needle.Groups[2].Value[0]));
    }

    [Fact]
    public void Multi_value_scatters_four_codes_of_each_key_and_its_depth_is_the_first_ones()
    {
        var document = Make(Request("multi-value"));
        foreach (var question in document.Questions)
        {
            var needles = Regex.Matches(document.Text, $@"One of the secret codes of the {AskedKey(question)} is (\d{{5}})\.");
            Assert.Equal(4, needles.Count);
            Assert.Equal(needles.Select(needle => needle.Groups[1].Value), question.Expected);
            Assert.Equal((double)needles[0].Index / document.Text.Length, question.Depth, 1e-9);
        }

        Assert.Contains(document.Questions, question => question.Depth > 0.3);
    }

    [Fact]
    public void Multi_query_asks_for_four_held_out_keys_in_one_sentence()
    {
        var document = Make(Request("multi-query"));
        foreach (var question in document.Questions)
        {
            var match = Regex.Match(question.Text, @"^What are the magic numbers for the (\w+ \w+), the (\w+ \w+), the (\w+ \w+) and the (\w+ \w+)\?$");
            string[] keys = [.. match.Groups.Values.Skip(1).Select(group => group.Value)];
            Assert.All(keys, key => Assert.True(TestMaterial.IsHeldOut(key)));
            Assert.Equal(4, keys.Distinct().Count());
            Assert.Equal(keys.Select(key => Regex.Match(document.Text, $@"for the {key} is (\d+)\.").Groups[1].Value), question.Expected);
            Assert.Equal((double)document.Text.IndexOf($"The magic number for the {keys[0]} is", StringComparison.Ordinal) / document.Text.Length, question.Depth, 1e-9);
        }
    }

    [Fact]
    public void Variables_are_chains_of_one_to_three_copies_in_order_of_depth()
    {
        var document = Make(Request("variables"));
        var set = Regex.Matches(document.Text, @"Variable ([A-Z]{3}) is set to (?:variable ([A-Z]{3})|(\d{5}))\.").ToDictionary(match => match.Groups[1].Value);

        Assert.All(set.Keys, name => Assert.Equal(3, name.Distinct().Count()));
        for (int i = 0; i < Questions; i++)
        {
            var question = document.Questions[i];
            var sentence = set[Regex.Match(question.Text, @"^What is the value of variable ([A-Z]{3})\?$").Groups[1].Value];
            for (int hops = 0; hops < 1 + (i % 3); hops++)
            {
                var earlier = set[sentence.Groups[2].Value];
                Assert.True(earlier.Index < sentence.Index);
                sentence = earlier;
            }

            Assert.Equal([sentence.Groups[3].Value], question.Expected);
            Assert.Equal((double)sentence.Index / document.Text.Length, question.Depth, 1e-9);
        }
    }

    [Fact]
    public void Facts_name_nobody_twice_and_take_every_template_in_turn()
    {
        var document = Make(Request("facts"));
        var born = Regex.Matches(document.Text, @"(\w+ \w+) was born in the town of (\w+)\.");
        var mayors = Regex.Matches(document.Text, @"The mayor of (\w+) was (\w+ \w+)\.");

        Assert.Equal(Questions / 10, born.Count);
        Assert.Equal([born[0].Groups[2].Value], document.Questions.Single(question => question.Text == $"Where was {born[0].Groups[1].Value} born?").Expected);
        Assert.Equal([mayors[0].Groups[2].Value], document.Questions.Single(question => question.Text == $"Who was the mayor of {mayors[0].Groups[1].Value}?").Expected);
        var names = document.Questions.SelectMany(question => question.Expected).ToList();
        Assert.Equal(names.Count, names.Distinct().Count());
        var error = Assert.Throws<EvaluationException>(() => Make(Request("facts") with { Questions = 200 }));
        Assert.Contains("too few for so many questions", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Documents_of_a_task_and_length_begin_at_different_paragraphs_of_the_book()
    {
        var beginnings = Enumerable.Range(0, 20).Select(index => Make(Request("key") with { Document = index, Questions = 1, Length = 600 }).Text[..30]).ToList();

        Assert.Equal(beginnings.Count, beginnings.Distinct().Count());
        Assert.All(beginnings, beginning => Assert.Contains($"\n\n{beginning}", "\n\n" + TestMaterial.Book, StringComparison.Ordinal));
    }

    [Fact]
    public void A_book_that_is_too_short_begins_again()
    {
        var material = RecallMaterial.Create("One fish swam. Two fish sang.\n\nRed fish left.");
        string text = RecallTasks.Make(material, Request("key") with { Questions = 1, Length = 300 }, TestMaterial.Count).Text;

        Assert.Contains("sang.\n\nRed fish left.\n\nOne fish", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Needles_longer_than_the_length_are_refused_with_what_they_take()
    {
        var error = Assert.Throws<EvaluationException>(() => Make(Request("multi-value") with { Length = 1000 }));

        Assert.Matches(@"length 1,000 is too short: .* take \d,\d+ tokens", error.Message);
    }

    [Fact]
    public void A_length_that_all_keys_together_do_not_reach_is_refused()
    {
        var error = Assert.Throws<EvaluationException>(() => Make(Request("multi-key") with { Length = 1 << 20 }));

        Assert.Contains("too few for length 1,048,576", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Samples_are_the_needles_with_a_question_and_the_same_with_filler()
    {
        foreach (string task in RecallTasks.Names)
        {
            var (bare, filled) = RecallTasks.Samples(TestMaterial.Material, Request(task) with { Length = 30_000 });
            Assert.InRange(filled.Document.Length - bare.Document.Length, 14_000, 15_000);
            Assert.EndsWith("?", bare.Question, StringComparison.Ordinal);
            Assert.Equal(bare.Question, filled.Question);
        }
    }

    private static DocumentRequest Request(string task) => new(Seed: 1, task, Length: 8192, Document: 0, Questions);

    private static RecallDocument Make(DocumentRequest request) => RecallTasks.Make(TestMaterial.Material, request, TestMaterial.Count);

    private static string Spell(RecallQuestion question) => $"{question.Text} {string.Join(' ', question.Expected)} {question.Depth}";

    private static string AskedKey(RecallQuestion question) => Regex.Match(question.Text, @"the (\w+ \w+)\?$").Groups[1].Value;
}
