namespace Crescent.Scheduling.Tests;

/// <summary>How generations end, and what they leave behind.</summary>
public class OutcomeTests
{
    private static readonly int[] Prompt = [10, 11, 12];

    [Fact]
    public void A_generation_ends_with_length_at_its_token_limit()
    {
        var loop = new StepLoop();
        var sequence = loop.Add(Prompt, maxTokens: 3);

        Assert.Equal(FinishReason.Length, loop.RunToEnd(sequence));
        Assert.Equal(3, sequence.GeneratedTokens);
    }

    [Fact]
    public void A_generation_ends_with_stop_after_a_stop_token()
    {
        var loop = new StepLoop();
        var sequence = loop.Add(Prompt, stop: [99, StepLoop.Token]);

        Assert.Equal(FinishReason.Stop, loop.RunToEnd(sequence));
        Assert.Equal([.. Prompt, StepLoop.Token], sequence.Tokens.ToArray());
    }

    [Fact]
    public void A_stop_token_at_the_limit_is_a_stop()
    {
        var loop = new StepLoop();

        Assert.Equal(FinishReason.Stop, loop.RunToEnd(loop.Add(Prompt, maxTokens: 1, stop: [StepLoop.Token])));
    }

    [Fact]
    public void A_stop_token_in_the_prompt_ends_nothing()
    {
        var loop = new StepLoop();

        Assert.Equal(FinishReason.Length, loop.RunToEnd(loop.Add(Prompt, maxTokens: 4, stop: [Prompt[^1]])));
    }

    [Fact]
    public void Tokens_of_an_earlier_attempt_count_towards_the_limit()
    {
        var loop = new StepLoop();
        var sequence = loop.Add(Prompt, maxTokens: 5, generated: [20, 21, 22, 23]);

        loop.Step();

        Assert.Equal(FinishReason.Length, loop.ReasonOf(sequence));
        Assert.Equal([.. Prompt, 20, 21, 22, 23, StepLoop.Token], sequence.Tokens.ToArray());
    }

    [Fact]
    public void A_complete_sequence_leaves_and_its_full_blocks_stay_cached()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4);

        loop.RunToEnd(loop.Add(9, maxTokens: 1));

        Assert.False(loop.Scheduler.HasWork);
        Assert.Equal((8, 2, 0), (loop.Cache.FreeBlocks, loop.Cache.CachedBlocks, loop.Cache.ActiveBlocks));
    }

    [Fact]
    public void Ending_a_waiting_sequence_takes_it_out_of_the_queue()
    {
        var loop = new StepLoop(sequences: 1);
        var running = loop.Add(4, maxTokens: 2);
        loop.Step();
        var waiting = loop.Add(4);

        loop.Scheduler.End(waiting);

        loop.RunToEnd(running);
        Assert.False(loop.Scheduler.HasWork);
    }

    [Fact]
    public void Ending_a_sequence_in_the_middle_of_its_prefill_frees_its_blocks()
    {
        var loop = new StepLoop(budget: 8);
        var sequence = loop.Add(30);
        loop.Step();
        Assert.Equal(2, loop.Cache.ActiveBlocks);

        AssertGoneAfterEnd(loop, sequence);
    }

    [Fact]
    public void Ending_a_sequence_that_decodes_frees_its_blocks()
    {
        var loop = new StepLoop();
        var sequence = loop.Add(6);
        loop.Step();
        loop.Step();

        AssertGoneAfterEnd(loop, sequence);
    }

    [Fact]
    public void Ending_a_preempted_sequence_leaves_nothing_of_it()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4);
        var preempted = loop.Add(24, maxTokens: 8, priority: 1);
        loop.Step();
        loop.Step();
        var urgent = loop.Add(24, maxTokens: 8);
        loop.Step();
        Assert.Equal([preempted], loop.Scheduler.Waiting);

        loop.Scheduler.End(preempted);

        loop.RunToEnd(urgent);
        AssertGoneAfterEnd(loop, preempted);
    }

    [Fact]
    public void Ending_one_sequence_leaves_the_blocks_it_shared_to_the_other()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4);
        int[] prompt = [.. Enumerable.Range(0, 9)];
        loop.RunToEnd(loop.Add(prompt, maxTokens: 1));
        var one = loop.Add(prompt, maxTokens: 4);
        var other = loop.Add(prompt, maxTokens: 4);
        loop.Step();

        loop.Scheduler.End(one);

        Assert.Equal((3, 3), (loop.Cache.ActiveBlocks, other.Blocks.Count));
        loop.Cache.CheckIntegrity();
    }

    private static void AssertGoneAfterEnd(StepLoop loop, Sequence sequence)
    {
        loop.Scheduler.End(sequence);
        loop.Scheduler.End(sequence);

        loop.Cache.CheckIntegrity();
        Assert.False(loop.Scheduler.HasWork);
        Assert.Equal((0, 0), (loop.Cache.ActiveBlocks, sequence.Blocks.Count));
        Assert.Empty(loop.Step());
    }
}
