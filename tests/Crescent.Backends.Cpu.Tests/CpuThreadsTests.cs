namespace Crescent.Backends.Cpu.Tests;

public sealed class CpuThreadsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void EveryItemOfEveryJobRunsOnceBeforeRunReturns(int threads)
    {
        using var pool = new CpuThreads(threads);
        for (int job = 0; job < 3_000; job++)
        {
            var counts = new int[job % 19];
            pool.Run(new CountJob(counts), counts.Length);
            Assert.All(counts, count => Assert.Equal(1, count));
        }
    }

    [Fact]
    public void ThreadsThatFellAsleepTakePartAgain()
    {
        using var pool = new CpuThreads(2);
        var counts = new int[8];
        pool.Run(new CountJob(counts), counts.Length);

        // An item that waits for another one needs a second thread: woken, it comes.
        using var met = new Barrier(2);
        pool.Run(new MeetJob(met), 2);
        Assert.Equal(1, met.CurrentPhaseNumber);
    }

    private readonly struct CountJob(int[] counts) : IJob
    {
        public void Execute(int item) => Interlocked.Increment(ref counts[item]);
    }

    private readonly struct MeetJob(Barrier met) : IJob
    {
        public void Execute(int item) => met.SignalAndWait();
    }
}
