namespace Crescent.Scheduling.Tests;

/// <summary>Sequences that need the same blocks at the same time: one computes, the others take over.</summary>
public class SharedPromptTests
{
    private static readonly int[] Prompt = [.. Enumerable.Range(100, 33)];

    [Fact]
    public void Ten_equal_prompts_that_arrive_together_are_computed_once()
    {
        var loop = new StepLoop(budget: 16, sequences: 10);
        var sequences = Enumerable.Range(0, 10).Select(_ => loop.Add(Prompt, maxTokens: 1)).ToArray();
        int rows = 0;
        while (loop.Scheduler.HasWork)
        {
            rows += loop.Step().Sum(item => item.Rows);
        }

        // All of it once, and each one's last token, which gives its first logits.
        Assert.Equal(33 + 9, rows);
        Assert.Equal([0, .. Enumerable.Repeat(32, 9)], sequences.Select(sequence => sequence.CachedTokens!.Value));
        Assert.Equal((330, 9 * 32), (loop.Scheduler.QueriedTokens, loop.Scheduler.HitTokens));
    }

    [Fact]
    public void Blocks_are_taken_over_as_they_are_published_and_not_at_the_end_of_the_request()
    {
        var loop = new StepLoop(budget: 16);
        var first = loop.Add(Prompt, maxTokens: 50);
        loop.Step();
        var second = loop.Add([.. Prompt[..24], 7, 8]);
        loop.Step();
        Assert.Equal((32, 16), (first.Computed, second.Computed));

        var step = loop.Step();

        Assert.Equal(2, StepLoop.RowsOf(step, second));
        Assert.Equal(24, second.CachedTokens);
        Assert.Equal(first.Blocks.Memory.ToArray()[..6], second.Blocks.Memory.ToArray()[..6]);
    }

    [Fact]
    public void Who_waits_leaves_its_rows_to_others()
    {
        var loop = new StepLoop(budget: 16);
        var first = loop.Add([.. Prompt, .. Enumerable.Range(0, 100)]);
        loop.Step();
        var other = loop.Add(10);
        var second = loop.Add([.. Prompt, 9]);

        var step = loop.Step();

        Assert.Equal((16, 0), (second.Computed, StepLoop.RowsOf(step, second)));
        Assert.Equal((8, 8), (StepLoop.RowsOf(step, first), StepLoop.RowsOf(step, other)));
    }

    [Fact]
    public void When_the_one_that_computes_ends_the_next_goes_on_from_its_last_block()
    {
        var loop = new StepLoop(budget: 8);
        var first = loop.Add(Prompt);
        loop.Step();
        var second = loop.Add(Prompt, maxTokens: 1);
        loop.Step();
        Assert.Equal((16, 8), (first.Computed, second.Computed));

        loop.Scheduler.End(first);

        Assert.Equal(8, loop.StepRows(second));
        Assert.Equal((24, 16), (second.Computed, second.CachedTokens));
        loop.RunToEnd(second);
    }

    [Fact]
    public void A_short_prompt_that_waits_brings_the_one_it_waits_for_forward()
    {
        var loop = new StepLoop(budget: 16);
        var oldest = loop.Add(200);
        loop.Step();
        var computes = loop.Add([.. Prompt, .. Enumerable.Range(0, 300)]);
        Assert.Equal(0, loop.StepRows(computes));

        // Half of the budget is for those with less left than the oldest: now the second has a part of it.
        var waits = loop.Add([.. Prompt[..16], 5], maxTokens: 1);
        var step = loop.Step();

        Assert.Equal((8, 8, 0), (StepLoop.RowsOf(step, oldest), StepLoop.RowsOf(step, computes), StepLoop.RowsOf(step, waits)));
    }

    [Fact]
    public void Other_roots_are_not_waited_for()
    {
        var loop = new StepLoop(budget: 16);
        var first = loop.Add(Prompt);
        var second = loop.Add(Prompt, root: new BlockHash([.. Enumerable.Repeat((byte)1, BlockHash.Size)]));
        loop.RunToEnd(first);
        loop.RunToEnd(second);

        Assert.Equal((0, 0), (first.CachedTokens, second.CachedTokens));
    }

    [Fact]
    public void After_a_preemption_only_what_others_computed_in_front_of_it_counts_as_cached()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 8);
        var low = loop.Add([.. Prompt[..30]], maxTokens: 2, priority: 1);
        loop.Step();
        var urgent = loop.Add([.. Prompt[..30], 1, 2], maxTokens: 8);
        loop.RunToEnd(urgent);
        loop.RunToEnd(low);

        Assert.True(loop.Scheduler.Preemptions > 0);
        Assert.Equal((8, 20), (urgent.CachedTokens, low.CachedTokens));
    }
}
