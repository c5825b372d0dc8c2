namespace Crescent.Gateway;

/// <summary>The switch a host turns when it is asked to stop.</summary>
public sealed class GatewayLifetime
{
    private volatile bool _draining;

    /// <summary>New requests are refused as unavailable; running ones go on.</summary>
    public bool Draining => _draining;

    /// <summary>There is no way back.</summary>
    public void StartDraining() => _draining = true;
}
