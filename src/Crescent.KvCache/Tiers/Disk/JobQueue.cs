namespace Crescent.KvCache.Tiers.Disk;

/// <summary>A bounded queue of jobs and the threads that do them, so that nobody else waits for a disk.</summary>
internal sealed class JobQueue
{
    private readonly Queue<Action<AlignedBuffer>> _jobs = new();
    private readonly int _capacity;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _threads;
    private bool _closed;

    /// <param name="name">Of the threads.</param>
    /// <param name="capacity">Jobs that wait; those being done are not counted.</param>
    public JobQueue(string name, int threads, int capacity)
    {
        _capacity = capacity;
        _threads = threads;
        for (int i = 0; i < threads; i++)
        {
            new Thread(Run) { Name = name, IsBackground = true }.Start();
        }
    }

    /// <param name="job">Is given its thread's buffer, and must not throw.</param>
    /// <returns>False: the queue is full or closed.</returns>
    public bool TryAdd(Action<AlignedBuffer> job)
    {
        lock (_jobs)
        {
            if (_closed || _jobs.Count >= _capacity)
            {
                return false;
            }

            _jobs.Enqueue(job);
            Monitor.Pulse(_jobs);
            return true;
        }
    }

    /// <summary>Takes no more jobs; ends when those in the queue are done.</summary>
    public Task CloseAsync()
    {
        lock (_jobs)
        {
            _closed = true;
            Monitor.PulseAll(_jobs);
        }

        return _ended.Task;
    }

    private void Run()
    {
        using (var buffer = new AlignedBuffer())
        {
            while (TryTake(out var job))
            {
                job(buffer);
            }
        }

        if (Interlocked.Decrement(ref _threads) == 0)
        {
            _ended.SetResult();
        }
    }

    private bool TryTake([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out Action<AlignedBuffer> job)
    {
        lock (_jobs)
        {
            while (!_jobs.TryDequeue(out job))
            {
                if (_closed)
                {
                    return false;
                }

                Monitor.Wait(_jobs);
            }

            return true;
        }
    }
}
