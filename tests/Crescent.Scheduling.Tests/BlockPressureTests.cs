using Crescent.KvCache.Prefix;

namespace Crescent.Scheduling.Tests;

/// <summary>Who runs, waits and gives way when blocks are short, and what the prefix cache saves.</summary>
public class BlockPressureTests
{
    [Fact]
    public void When_blocks_run_out_the_last_in_order_is_preempted()
    {
        var loop = new StepLoop(blocks: 9, blockSize: 4);
        var urgent = loop.Add(6, maxTokens: 20, priority: -1);
        var first = loop.Add(6, maxTokens: 20);
        var last = loop.Add(6, maxTokens: 20);

        while (loop.Scheduler.Preemptions == 0)
        {
            loop.Step();
        }

        Assert.Equal([urgent, first], loop.Scheduler.Running);
        Assert.Equal([last], loop.Scheduler.Waiting);
        Assert.Equal((0, 0), (last.Blocks.Count, last.Computed));
        Assert.Equal((12, 13), (first.Computed - 1, urgent.Computed));
    }

    [Fact]
    public void A_sequence_that_needs_a_block_and_is_last_preempts_itself()
    {
        var loop = new StepLoop(blocks: 7, blockSize: 4);
        var first = loop.Add(9, maxTokens: 15);
        var last = loop.Add(11, maxTokens: 15);
        var rows = (First: 0, Last: 0);

        while (loop.Scheduler.Preemptions == 0)
        {
            var step = loop.Step();
            rows = (StepLoop.RowsOf(step, first), StepLoop.RowsOf(step, last));
        }

        Assert.Equal((1, 0), rows);
        Assert.Equal([last], loop.Scheduler.Waiting);
    }

    [Fact]
    public void Preemption_changes_no_token()
    {
        var loop = new StepLoop(blocks: 9, blockSize: 4);
        var sequences = Enumerable.Range(0, 3).Select(_ => loop.Add(6, maxTokens: 25)).ToArray();

        Assert.All(sequences, sequence => Assert.Equal(FinishReason.Length, loop.RunToEnd(sequence)));

        Assert.True(loop.Scheduler.Preemptions > 0);
        Assert.All(sequences, sequence => Assert.Equal(
            [.. sequence.Request.PromptTokens, .. Enumerable.Repeat(StepLoop.Token, 25)], sequence.Tokens.ToArray()));
    }

    [Fact]
    public void A_preempted_sequence_computes_only_what_the_cache_has_not_kept()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 64);
        var low = loop.Add(22, maxTokens: 8, priority: 1);
        loop.Step();
        loop.RunToEnd(loop.Add(24, maxTokens: 1));
        Assert.Equal(1, loop.Scheduler.Preemptions);

        // The urgent sequence's six blocks were the five free ones and the last of the five that were full.
        Assert.Equal(23 - 16, loop.StepRows(low));
    }

    [Fact]
    public void A_more_urgent_sequence_preempts_one_that_holds_its_blocks()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 64);
        var low = loop.Add(24, maxTokens: 8, priority: 1);
        loop.Step();
        var high = loop.Add(24, maxTokens: 8);

        loop.Step();

        Assert.Equal([high], loop.Scheduler.Running);
        Assert.Equal([low], loop.Scheduler.Waiting);
    }

    [Fact]
    public void An_equally_urgent_sequence_waits_for_blocks()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 64);
        var first = loop.Add(24, maxTokens: 8);
        loop.Step();
        var second = loop.Add(24, maxTokens: 8);

        loop.Step();

        Assert.Equal([first], loop.Scheduler.Running);
        Assert.Equal([second], loop.Scheduler.Waiting);
        Assert.Equal(0, loop.Scheduler.Preemptions);
    }

    [Fact]
    public void Admission_leaves_every_running_sequence_a_block_to_grow_into()
    {
        var loop = new StepLoop(blocks: 6, blockSize: 4, budget: 64);
        loop.Add(12, maxTokens: 8);
        var tight = loop.Add(12, maxTokens: 8);

        loop.Step();

        Assert.Equal([tight], loop.Scheduler.Waiting);
    }

    [Fact]
    public void Admission_counts_what_the_admitted_still_have_to_compute()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 8);
        loop.Add(32, maxTokens: 1);
        loop.Step();
        var second = loop.Add(8, maxTokens: 1);

        loop.Step();

        Assert.Equal([second], loop.Scheduler.Waiting);
    }

    [Fact]
    public void Nothing_passes_the_first_sequence_that_does_not_fit()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 64);
        loop.Add(20, maxTokens: 4);
        loop.Step();
        var big = loop.Add(36, maxTokens: 4);
        var small = loop.Add(4, maxTokens: 4);

        loop.Step();

        Assert.Equal([big, small], loop.Scheduler.Waiting);
    }

    [Fact]
    public void The_longest_sequence_leaves_the_pins_their_share()
    {
        var cache = new PrefixCache(10, 4, new PrefixCacheOptions { PinnableShare = 0.3 });

        Assert.Equal(7 * 4, new Scheduler(cache, new SchedulerOptions()).MaxTokens);
    }

    [Fact]
    public void A_big_sequence_is_not_starved_by_small_ones_that_keep_coming()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4);
        loop.Add(4, maxTokens: 6);
        loop.Add(4, maxTokens: 9);
        loop.Step();
        var big = loop.Add(36, maxTokens: 4);

        for (int i = 0; i < 12; i++)
        {
            loop.Add(4, maxTokens: 6);
            loop.Step();
        }

        Assert.Equal([big], loop.Scheduler.Running);
    }

    [Fact]
    public void A_prefix_hit_is_not_computed_again()
    {
        var loop = new StepLoop(budget: 64);
        int[] prompt = [.. Enumerable.Range(0, 16)];
        loop.RunToEnd(loop.Add(prompt, maxTokens: 1));
        var second = loop.Add([.. prompt, 77, 78]);

        Assert.Equal(2, loop.StepRows(second));
        Assert.Equal(16, second.CachedTokens);
        Assert.Equal((34, 16), (loop.Scheduler.QueriedTokens, loop.Scheduler.HitTokens));
    }

    [Theory]
    [InlineData(16, 4)]
    [InlineData(17, 1)]
    [InlineData(18, 2)]
    public void At_least_one_token_is_computed_of_a_prompt_that_is_all_cached(int length, int rows)
    {
        var loop = new StepLoop(budget: 64, blockSize: 4);
        int[] prompt = [.. Enumerable.Range(0, length)];
        loop.RunToEnd(loop.Add(prompt, maxTokens: 6));
        var second = loop.Add(prompt);

        var step = Assert.Single(loop.Step());

        Assert.Equal(new ScheduledSequence(second, rows, Samples: true), step);
        Assert.Equal(length - rows, second.CachedTokens);
    }

    [Fact]
    public void Generated_tokens_are_a_prefix_for_the_next_turn()
    {
        var loop = new StepLoop(budget: 64, blockSize: 4);
        var first = loop.Add(6, maxTokens: 7);
        loop.RunToEnd(first);

        var second = loop.Add([.. first.Tokens, 50, 51]);

        // The last generated token was never computed: 12 of 13 positions have KV.
        Assert.Equal(15 - 12, loop.StepRows(second));
    }

    [Fact]
    public void Equal_prompts_that_arrive_together_end_up_in_the_same_blocks()
    {
        var loop = new StepLoop(budget: 64, blockSize: 4);
        int[] prompt = [.. Enumerable.Range(0, 9)];
        var one = loop.Add(prompt);
        var other = loop.Add(prompt);

        loop.Step();
        loop.Step();

        Assert.Equal(one.Blocks.Memory.ToArray()[..2], other.Blocks.Memory.ToArray()[..2]);
        Assert.NotEqual(one.Blocks[2], other.Blocks[2]);
        Assert.Equal(4, loop.Cache.ActiveBlocks);
    }

    [Fact]
    public void Hits_are_counted_at_the_first_admission_only()
    {
        var loop = new StepLoop(blocks: 10, blockSize: 4, budget: 64);
        var low = loop.Add(22, maxTokens: 8, priority: 1);
        loop.Step();
        loop.RunToEnd(loop.Add(18, maxTokens: 1));
        loop.RunToEnd(low);

        Assert.Equal(1, loop.Scheduler.Preemptions);
        Assert.Equal((40, 0), (loop.Scheduler.QueriedTokens, loop.Scheduler.HitTokens));
        Assert.Equal(0, low.CachedTokens);
    }
}
