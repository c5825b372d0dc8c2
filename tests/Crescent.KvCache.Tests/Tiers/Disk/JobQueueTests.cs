using Crescent.KvCache.Tiers.Disk;

namespace Crescent.KvCache.Tests.Tiers.Disk;

public class JobQueueTests
{
    [Fact]
    public async Task Refuses_what_does_not_fit_and_does_the_rest_before_it_ends()
    {
        var queue = new JobQueue("test", threads: 1, capacity: 2);
        using var block = new Block(queue);
        int done = 0;

        Assert.True(queue.TryAdd(_ => done++));
        Assert.True(queue.TryAdd(_ => done++));
        Assert.False(queue.TryAdd(_ => done++));

        var closing = queue.CloseAsync();
        Assert.False(queue.TryAdd(_ => done++));
        block.End();
        await closing;
        Assert.Equal(2, done);
    }

    [Fact]
    public async Task All_its_threads_work_at_once()
    {
        var queue = new JobQueue("test", threads: 3, capacity: 3);
        using var together = new Barrier(3);

        // Each waits for the two others.
        Assert.All(Enumerable.Range(0, 3), _ => Assert.True(queue.TryAdd(_ => together.SignalAndWait())));

        await queue.CloseAsync();
    }

    [Fact]
    public async Task Buffers_are_aligned_and_as_long_as_asked()
    {
        var queue = new JobQueue("test", threads: 1, capacity: 8);
        var results = new List<(nint Address, int Length)>();
        foreach (int length in (int[])[1, 5_000, 100, 70_000])
        {
            queue.TryAdd(buffer => results.Add(AddressOf(buffer.Get(length))));
        }

        await queue.CloseAsync();
        Assert.Equal([1, 5_000, 100, 70_000], results.Select(result => result.Length));
        Assert.All(results, result => Assert.Equal(0, result.Address % DirectFile.Alignment));

        static unsafe (nint, int) AddressOf(Span<byte> span)
        {
            fixed (byte* address = span)
            {
                return ((nint)address, span.Length);
            }
        }
    }
}

/// <summary>Keeps the only thread of a queue busy until it is told.</summary>
internal sealed class Block : IDisposable
{
    private readonly ManualResetEventSlim _end = new();

    public Block(JobQueue queue)
    {
        using var started = new ManualResetEventSlim();
        Assert.True(queue.TryAdd(_ =>
        {
            started.Set();
            _end.Wait();
        }));
        started.Wait();
    }

    public void End() => _end.Set();

    public void Dispose() => _end.Set();
}
