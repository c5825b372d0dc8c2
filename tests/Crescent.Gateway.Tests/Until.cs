namespace Crescent.Gateway.Tests;

internal static class Until
{
    /// <summary>Waits until something that happens elsewhere has happened; fails when it does not.</summary>
    public static async Task TrueAsync(Func<bool> condition)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            await Task.Delay(1, timeout.Token);
        }
    }
}
