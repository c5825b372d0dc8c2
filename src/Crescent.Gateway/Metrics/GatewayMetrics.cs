using System.Diagnostics.Metrics;

namespace Crescent.Gateway.Metrics;

/// <summary>The gateway's instruments, on its own <see cref="Meter"/> named "Crescent".</summary>
public sealed class GatewayMetrics(ICluster cluster)
{
    private readonly ICluster _cluster = cluster;

    internal void Refused(RefusalKind kind) { }
    internal void Ended(string model, Generation.CompletionUsage usage) { }
    internal ChoiceTimer StartChoice(string model, TimeProvider time) => new ChoiceTimer();
}
internal sealed class ChoiceTimer { public void Token() {} public void Finished(FinishReason reason) {} }
