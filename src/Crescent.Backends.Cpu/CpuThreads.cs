using System.Runtime.CompilerServices;

namespace Crescent.Backends.Cpu;

/// <summary>A kernel cut into items that may run in any order on any thread.</summary>
internal interface IJob
{
    void Execute(int item);
}

/// <summary>
/// The backend's own threads. The caller works too and never waits for a thread that has not begun: a thread joins a
/// job only while it is open, and the caller closes it once the items have run out. So when another process holds a
/// core, the work goes on without the thread that lost it. Idle threads spin briefly, then sleep.
/// </summary>
internal sealed unsafe class CpuThreads : IDisposable
{
    // The next job of a step is less than a microsecond away, the next step some tens.
    private const int SpinsBeforeYield = 1000;
    private const int SpinsBeforeSleep = 3000;

    // _state: bit 0 open; bits 1–15 threads inside; the rest counts jobs, so that a thread joins each job once.
    private const long Open = 1;
    private const long Inside = 2;
    private const long InsideMask = 0xfffe;
    private const long Generation = 0x10000;

    private readonly Thread[] _threads;
    private readonly SemaphoreSlim _wake = new(0);
    private long _state;
    private int _sleeping;
    private volatile bool _stopping;

    private void* _job;
    private delegate*<void*, int, void> _execute;
    private int _items;
    private int _next;

    /// <param name="count">Threads that work on a job, the caller among them; at least 1.</param>
    public CpuThreads(int count)
    {
        Count = count;
        _threads = new Thread[count - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            _threads[i] = new Thread(Loop) { IsBackground = true, Name = $"crescent-cpu-{i + 1}" };
            _threads[i].Start();
        }
    }

    public int Count { get; }

    /// <summary>Runs every item once and returns when all are done. One caller at a time; items must not throw.</summary>
    public void Run<TJob>(TJob job, int items)
        where TJob : struct, IJob
    {
        if (items <= 1 || _threads.Length == 0)
        {
            for (int i = 0; i < items; i++)
            {
                job.Execute(i);
            }

            return;
        }

        _job = Unsafe.AsPointer(ref job);
        _execute = &Execute<TJob>;
        _items = items;
        _next = 0;
        long state = (Volatile.Read(ref _state) & ~(Generation - 1)) + Generation;
        Volatile.Write(ref _state, state | Open);
        Interlocked.MemoryBarrier();
        int sleeping = Volatile.Read(ref _sleeping);
        if (sleeping > 0)
        {
            _wake.Release(Math.Min(sleeping, items - 1));
        }

        Work();
        Interlocked.And(ref _state, ~Open);
        for (int spins = 0; (Volatile.Read(ref _state) & InsideMask) != 0; spins++)
        {
            Pause(spins);
        }
    }

    public void Dispose()
    {
        _stopping = true;
        _wake.Release(_threads.Length + 1);
        foreach (var thread in _threads)
        {
            thread.Join();
        }

        _wake.Dispose();
    }

    private static void Execute<TJob>(void* job, int item)
        where TJob : struct, IJob => Unsafe.AsRef<TJob>(job).Execute(item);

    private void Work()
    {
        int item;
        while ((item = Interlocked.Increment(ref _next) - 1) < _items)
        {
            _execute(_job, item);
        }
    }

    private void Loop()
    {
        long seen = 0;
        int spins = 0;
        while (!_stopping)
        {
            long state = Volatile.Read(ref _state);
            if ((state & Open) != 0 && state / Generation != seen)
            {
                if (Interlocked.CompareExchange(ref _state, state + Inside, state) == state)
                {
                    seen = state / Generation;
                    Work();
                    Interlocked.Add(ref _state, -Inside);
                    spins = 0;
                }

                continue;
            }

            if (++spins < SpinsBeforeSleep)
            {
                Pause(spins);
                continue;
            }

            Sleep(seen);
            spins = 0;
        }
    }

    /// <summary>Waits a moment; after many in a row gives the core to whoever else needs it.</summary>
    private static void Pause(int spins)
    {
        if (spins < SpinsBeforeYield)
        {
            Thread.SpinWait(1);
        }
        else
        {
            Thread.Yield();
        }
    }

    private void Sleep(long seen)
    {
        Interlocked.Increment(ref _sleeping);
        long state = Volatile.Read(ref _state);
        bool missed = (state & Open) != 0 && state / Generation != seen;
        if (!missed && !_stopping)
        {
            _wake.Wait();
        }

        Interlocked.Decrement(ref _sleeping);
    }
}
