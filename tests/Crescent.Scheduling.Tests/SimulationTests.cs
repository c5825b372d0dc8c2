using Crescent.Testing;

namespace Crescent.Scheduling.Tests;

/// <summary>Many random workloads, each step checked by <see cref="Simulation"/>.</summary>
public class SimulationTests
{
    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, LongProofs.Count(usual: 40, full: 2000))];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Every_sequence_ends_once_and_every_step_keeps_the_rules(int seed) => new Simulation(seed).Run();

    [Fact]
    public void The_same_calls_give_the_same_batches()
    {
        foreach (int seed in Enumerable.Range(1, 10))
        {
            var first = new Simulation(seed);
            var second = new Simulation(seed);
            first.Run();
            second.Run();

            Assert.Equal(first.Log, second.Log);
        }
    }

    [Fact]
    public void The_simulations_reach_what_they_are_meant_to_test()
    {
        var runs = Enumerable.Range(1, 30).Select(seed => new Simulation(seed)).ToList();
        runs.ForEach(run => run.Run());

        Assert.InRange(runs.Sum(run => run.Scheduler.Preemptions), 50, long.MaxValue);
        Assert.InRange(runs.Sum(run => run.Scheduler.HitTokens), 500, long.MaxValue);
        Assert.InRange(runs.Sum(run => run.TakenOver), 10, int.MaxValue);
        Assert.InRange(runs.Sum(run => run.Pins), 50, int.MaxValue);
        Assert.All(
            new[] { FinishReason.Stop, FinishReason.Length, FinishReason.Cancelled },
            reason => Assert.InRange(runs.Sum(run => run.Ended(reason)), 20, int.MaxValue));
    }
}
