using Crescent.Gateway.Admission;
using Crescent.Gateway.Metrics;
using Microsoft.Extensions.Logging;

namespace Crescent.Gateway.Generation;

/// <summary>What a <see cref="Completion"/> needs of its pipeline.</summary>
internal sealed record CompletionContext(
    ICluster Cluster,
    AdmissionControl Admission,
    GatewayMetrics Metrics,
    TimeProvider Time,
    ILogger Logger);
