namespace Crescent.Worker.Tests.Support;

/// <summary>
/// Holds the engine before its first step for requests with a deadline, so that all requests of a test are there
/// when it begins.
/// </summary>
internal sealed class GatedTime : TimeProvider
{
    private readonly ManualResetEventSlim _open = new();

    public void Open() => _open.Set();

    public override DateTimeOffset GetUtcNow()
    {
        _open.Wait();
        return base.GetUtcNow();
    }
}
