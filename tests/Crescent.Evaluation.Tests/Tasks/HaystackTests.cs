using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Tests.Tasks;

public class HaystackTests
{
    [Fact]
    public void Needles_stand_between_sentences_at_the_nearest_place()
    {
        var filler = Haystack.FromText("One two. Three four five six. Seven eight.\n\nNine. Ten eleven twelve.").From(0);
        var placed = filler.Place(["A!", "B!", "C!"], 12);

        Assert.Equal("One two. A! Three four five six. B! Seven eight.\n\nNine. C! Ten eleven twelve.", placed.Text);
        Assert.Equal([9, 33, placed.Text.IndexOf("C!", StringComparison.Ordinal)], placed.Offsets);
    }

    [Fact]
    public void A_needle_at_the_end_of_a_paragraph_belongs_to_it()
    {
        var placed = Haystack.FromText("One two.\n\nThree four.").From(0).Place(["A!"], 4);

        Assert.Equal("One two. A!\n\nThree four.", placed.Text);
    }

    [Fact]
    public void Without_an_end_of_a_sentence_needles_stand_at_the_beginning()
    {
        var placed = Haystack.FromText("one two three four").From(0).Place(["A!", "B!"], 3);

        Assert.Equal("A! B! one two three", placed.Text);
        Assert.Equal([0, 3], placed.Offsets);
        Assert.Equal("A! B!", Haystack.FromText("one two three four").From(0).Place(["A!", "B!"], 0).Text);
    }

    [Theory]
    [InlineData("So said Mr. Elliot then.")]
    [InlineData("So said (Mrs. Clay) then.")]
    [InlineData("So said W. Elliot then.")]
    [InlineData("\"What!\" she cried at him.")]
    public void Titles_initials_and_cries_end_no_sentence(string text)
    {
        Assert.Equal("A! " + text, Haystack.FromText($"{text} x x x x").From(0).Place(["A!"], 5).Text);
    }

    [Fact]
    public void A_quotation_mark_may_follow_the_end_of_a_sentence()
    {
        Assert.Equal("\"He left.\" A! She stayed.", Haystack.FromText("\"He left.\" She stayed. x").From(0).Place(["A!"], 4).Text);
    }

    [Fact]
    public void Sentences_repeat_in_one_paragraph()
    {
        var noise = Haystack.FromSentences(["Here we go.", "There and back again."]).From(0);

        Assert.Equal("Here we go. There and back again. A! Here we go. There and back", noise.Place(["A!"], 13).Text);
    }

    [Fact]
    public void A_text_without_words_is_refused() => Assert.Throws<EvaluationException>(() => Haystack.FromText(" \n\n "));
}
