namespace Crescent.Scheduling.Tests;

/// <summary>What one step computes, and of whom.</summary>
public class SchedulerTests
{
    [Fact]
    public void A_prompt_within_the_budget_is_computed_in_one_step_and_sampled()
    {
        var loop = new StepLoop();
        var sequence = loop.Add(10);

        var step = Assert.Single(loop.Step());

        Assert.Equal(new ScheduledSequence(sequence, 10, Samples: true), step);
        Assert.Equal((10, 11), (sequence.Computed, sequence.Count));
    }

    [Fact]
    public void A_prompt_over_the_budget_is_computed_in_chunks_and_sampled_at_its_end()
    {
        var loop = new StepLoop(budget: 16);
        loop.Add(40);

        var steps = Enumerable.Range(0, 4).Select(_ => loop.Step().Single()).Select(item => (item.Rows, item.Samples));

        Assert.Equal([(16, false), (16, false), (8, true), (1, true)], steps);
    }

    [Fact]
    public void Every_decode_gets_its_row_while_a_long_prompt_prefills()
    {
        var loop = new StepLoop(budget: 8, sequences: 4);
        var decodes = new[] { loop.Add(2), loop.Add(2), loop.Add(2) };
        loop.Step();
        var prefill = loop.Add(60);

        for (int i = 0; i < 12; i++)
        {
            var step = loop.Step();
            Assert.All(decodes, decode => Assert.Equal(1, StepLoop.RowsOf(step, decode)));
            Assert.Equal(5, StepLoop.RowsOf(step, prefill));
        }
    }

    [Fact]
    public void Every_decode_gets_its_row_beside_an_older_prompt_that_could_use_the_whole_budget()
    {
        var loop = new StepLoop(budget: 6, sequences: 6);
        var prefill = loop.Add(500);
        var decodes = Enumerable.Range(0, 5).Select(_ => loop.Add(1)).ToArray();
        for (int i = 0; i < 10; i++)
        {
            loop.Step();
        }

        Assert.All(decodes, decode => Assert.InRange(decode.GeneratedTokens, 1, 9));
        for (int i = 0; i < 12; i++)
        {
            var step = loop.Step();
            Assert.All(decodes.Append(prefill), sequence => Assert.Equal(1, StepLoop.RowsOf(step, sequence)));
        }
    }

    [Fact]
    public void A_step_computes_the_token_budget_and_no_more_while_prompts_are_left()
    {
        var loop = new StepLoop(budget: 16);
        loop.Add(2);
        loop.Step();
        loop.Add(100);
        loop.Add(37);
        loop.Add(100);

        for (int i = 0; i < 12; i++)
        {
            Assert.Equal(16, loop.Step().Sum(item => item.Rows));
        }
    }

    [Fact]
    public void The_oldest_prefill_gets_at_least_half_of_the_budget_however_many_short_ones_come()
    {
        var loop = new StepLoop(budget: 16, sequences: 16);
        var oldest = loop.Add(500);

        for (int i = 0; i < 20; i++)
        {
            loop.Add(11, maxTokens: 1);
            Assert.InRange(loop.StepRows(oldest), 8, 16);
        }
    }

    [Fact]
    public void A_short_prompt_overtakes_a_long_one_within_the_other_half()
    {
        var loop = new StepLoop(budget: 16);
        var @long = loop.Add(500);
        loop.Step();
        var @short = loop.Add(6);

        var step = loop.Step();

        Assert.Equal((10, 6), (StepLoop.RowsOf(step, @long), StepLoop.RowsOf(step, @short)));
    }

    [Fact]
    public void The_shortest_of_the_others_goes_first()
    {
        var loop = new StepLoop(budget: 16);
        loop.Add(500);
        loop.Step();
        var longer = loop.Add(30);
        loop.Step();
        var shorter = loop.Add(7);

        var step = loop.Step();

        Assert.Equal((1, 7), (StepLoop.RowsOf(step, longer), StepLoop.RowsOf(step, shorter)));
    }

    [Fact]
    public void A_longer_prompt_does_not_take_from_the_oldest()
    {
        var loop = new StepLoop(budget: 16);
        var oldest = loop.Add(32);
        var longer = loop.Add(500);

        Assert.Equal((16, 16), (loop.StepRows(oldest), loop.StepRows(oldest)));
        Assert.Equal(15, loop.StepRows(longer));
    }

    [Fact]
    public void What_the_oldest_does_not_need_goes_to_the_next()
    {
        var loop = new StepLoop(budget: 16);
        var oldest = loop.Add(4);
        var longer = loop.Add(500);

        var step = loop.Step();

        Assert.Equal((4, 12), (StepLoop.RowsOf(step, oldest), StepLoop.RowsOf(step, longer)));
    }

    [Fact]
    public void Sequences_run_in_order_of_priority_then_arrival()
    {
        var loop = new StepLoop();
        var low = loop.Add(2, priority: 5);
        var first = loop.Add(2, priority: 1);
        var second = loop.Add(2, priority: 1);
        var urgent = loop.Add(2, priority: -3);

        loop.Step();

        Assert.Equal([urgent, first, second, low], loop.Scheduler.Running);
    }

    [Fact]
    public void The_most_urgent_waiting_sequence_is_admitted_first()
    {
        var loop = new StepLoop(sequences: 1);
        var running = loop.Add(2, maxTokens: 2);
        loop.Step();
        var low = loop.Add(2, maxTokens: 2, priority: 1);
        var high = loop.Add(2, maxTokens: 2);
        loop.RunToEnd(running);

        loop.Step();

        Assert.Equal([high], loop.Scheduler.Running);
        Assert.Equal([low], loop.Scheduler.Waiting);
    }

    [Fact]
    public void No_more_sequences_run_at_once_than_the_option_says()
    {
        var loop = new StepLoop(sequences: 3);
        var sequences = Enumerable.Range(0, 5).Select(_ => loop.Add(2, maxTokens: 2)).ToArray();

        Assert.Equal(3, loop.Step().Count);
        Assert.Equal(sequences[..3], loop.Scheduler.Running);

        loop.Step();
        Assert.Equal(2, loop.Step().Count);
    }

    [Fact]
    public void A_budget_full_of_decodes_has_room_for_all_of_them()
    {
        var loop = new StepLoop(budget: 4, sequences: 4);
        var sequences = Enumerable.Range(0, 4).Select(_ => loop.Add(1)).ToArray();
        loop.Step();

        var step = loop.Step();

        Assert.Equal(sequences, step.Select(item => item.Sequence));
        Assert.All(step, item => Assert.True(item.Samples));
    }

    [Fact]
    public void Without_work_a_step_is_empty()
    {
        var loop = new StepLoop();
        Assert.False(loop.Scheduler.HasWork);

        Assert.Empty(loop.Step());
    }

    [Theory]
    [InlineData(8, 0)]
    [InlineData(7, 8)]
    public void Options_that_cannot_give_every_decode_a_row_are_refused(int budget, int sequences)
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new StepLoop(budget: budget, sequences: sequences));
    }

    [Theory]
    [InlineData(21, 20)]
    [InlineData(1, 40)]
    public void A_sequence_that_can_never_fit_is_refused(int prompt, int maxTokens)
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4);

        Assert.Throws<ArgumentOutOfRangeException>(() => loop.Add(prompt, maxTokens));
        Assert.False(loop.Scheduler.HasWork);
    }

    [Fact]
    public void A_sequence_that_needs_all_blocks_runs_to_its_end()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4);
        var sequence = loop.Add(20, maxTokens: 20);

        Assert.Equal(FinishReason.Length, loop.RunToEnd(sequence));
        Assert.Equal(40, sequence.Count);
    }
}
