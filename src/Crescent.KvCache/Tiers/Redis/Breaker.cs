namespace Crescent.KvCache.Tiers.Redis;

/// <summary>
/// Leaves a failing medium alone: after <see cref="Tolerated"/> failures in a row nothing is asked for a pause, then one
/// probe. When it fails the next pause is twice as long, up to 32 times; when it succeeds calls pass again, and the first
/// of them that fails ends that.
/// </summary>
internal sealed class Breaker(TimeProvider time, TimeSpan pause)
{
    private const int Tolerated = 3;
    private const int MaxDoublings = 5;

    private readonly Lock _lock = new();
    private int _failures;
    private int _pauses;
    private long _pausedAt;
    private bool _paused;
    private bool _probing;

    internal enum Advice
    {
        Ask,
        Leave,

        /// <summary>Do not ask, but probe, and say how that ended.</summary>
        Probe,
    }

    public Advice Advise()
    {
        lock (_lock)
        {
            if (!_paused)
            {
                return Advice.Ask;
            }

            if (_probing || time.GetElapsedTime(_pausedAt) < pause * (1 << Math.Min(_pauses - 1, MaxDoublings)))
            {
                return Advice.Leave;
            }

            _probing = true;
            return Advice.Probe;
        }
    }

    public void Succeed()
    {
        lock (_lock)
        {
            if (!_paused)
            {
                _failures = 0;
                _pauses = 0;
            }
        }
    }

    public void Fail()
    {
        lock (_lock)
        {
            if (!_paused && ++_failures >= Tolerated)
            {
                Pause();
            }
        }
    }

    public void EndProbe(bool answered)
    {
        lock (_lock)
        {
            _probing = false;
            if (answered)
            {
                _paused = false;
                _failures = Tolerated - 1;
            }
            else
            {
                Pause();
            }
        }
    }

    private void Pause()
    {
        _paused = true;
        _pauses++;
        _pausedAt = time.GetTimestamp();
    }
}
