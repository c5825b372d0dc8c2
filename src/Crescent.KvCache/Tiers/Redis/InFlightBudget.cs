namespace Crescent.KvCache.Tiers.Redis;

/// <summary>Bounds what is under way at once, in requests and bytes. Nobody waits for it: there is room or there is not.</summary>
internal sealed class InFlightBudget(int maxRequests, long maxBytes)
{
    private readonly Lock _lock = new();
    private int _requests;
    private long _bytes;

    public bool TryTake(long bytes)
    {
        lock (_lock)
        {
            if (_requests == maxRequests || _bytes + bytes > maxBytes)
            {
                return false;
            }

            _requests++;
            _bytes += bytes;
            return true;
        }
    }

    public void Return(long bytes)
    {
        lock (_lock)
        {
            _requests--;
            _bytes -= bytes;
        }
    }
}
