using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Tests.Tasks;

public class DrawsTests
{
    /// <summary>Other numbers would be other cases: results could not be compared with earlier ones.</summary>
    [Fact]
    public void A_name_gives_these_numbers_for_ever()
    {
        var draws = new Draws("1/key/4096/0");

        Assert.Equal(Golden, Enumerable.Range(0, 5).Select(_ => draws.Next(1000)));
    }

    [Fact]
    public void Numbers_are_below_the_limit_and_even()
    {
        var draws = new Draws("even");
        var counts = new int[10];
        for (int i = 0; i < 10_000; i++)
        {
            counts[draws.Next(10)]++;
        }

        Assert.All(counts, count => Assert.InRange(count, 900, 1100));
    }

    [Fact]
    public void Shuffling_keeps_every_item() =>
        Assert.Equal(Enumerable.Range(0, 100), new Draws("shuffle").Shuffle(Enumerable.Range(0, 100)).Order());

    [Fact]
    public void Numbers_of_so_many_digits_end_when_all_are_drawn()
    {
        var drawn = new List<string>();
        Assert.Throws<EvaluationException>(() => drawn.AddRange(new Draws("numbers").Numbers(2)));
        drawn = [.. new Draws("numbers").Numbers(2).Take(90)];
        Assert.Equal(Enumerable.Range(10, 90).Select(number => $"{number}"), drawn.Order());
    }

    private static readonly int[] Golden = [487, 726, 932, 380, 456];
}
