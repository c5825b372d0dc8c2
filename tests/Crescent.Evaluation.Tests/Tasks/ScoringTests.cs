using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Tests.Tasks;

public class ScoringTests
{
    [Theory]
    [InlineData("The number is 12345.", 1)]
    [InlineData("12345", 1)]
    [InlineData("**12345**", 1)]
    [InlineData("112345 and 12345", 1)]
    [InlineData("It is 123456.", 0)]
    [InlineData("It is 912345.", 0)]
    [InlineData("It is 12,345.", 0)]
    [InlineData("It is x12345.", 0)]
    [InlineData("", 0)]
    public void A_number_counts_as_a_whole_run_of_digits(string answer, double score) => Assert.Equal(score, Scoring.Score(answer, ["12345"]));

    [Theory]
    [InlineData("It was Mary Fisher's house.", 1)]
    [InlineData("Mary Fisher", 1)]
    [InlineData("mary fisher", 0)]
    [InlineData("Mary Fishers", 0)]
    [InlineData("Mary and Fisher", 0)]
    public void Words_count_whole_in_their_order_and_case(string answer, double score) => Assert.Equal(score, Scoring.Score(answer, ["Mary Fisher"]));

    [Fact]
    public void Of_several_the_share_counts() => Assert.Equal(0.5, Scoring.Score("22222, 44444 and 55555", ["11111", "22222", "33333", "44444"]));
}
