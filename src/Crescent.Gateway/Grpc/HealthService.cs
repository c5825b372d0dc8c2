using Grpc.Core;
using Microsoft.Extensions.Hosting;
using static Crescent.Gateway.Grpc.HealthCheckResponse.Types;

namespace Crescent.Gateway.Grpc;

/// <summary>
/// The standard health protocol, without an API key. Statuses are read from the cluster when they are asked for, and
/// watches end when the host stops, so that they do not hold up a drain.
/// </summary>
internal sealed class HealthService(
    ICluster cluster,
    GatewayLifetime lifetime,
    IHostApplicationLifetime host,
    TimeProvider time) : Health.HealthBase
{
    /// <summary>How late a watcher may learn of a change.</summary>
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(250);

    public override Task<HealthCheckResponse> Check(HealthCheckRequest request, ServerCallContext context)
    {
        var status = GetStatus(request.Service);
        return status == ServingStatus.ServiceUnknown
            ? throw new RpcException(new Status(StatusCode.NotFound, $"There is no service '{request.Service}'."))
            : Task.FromResult(new HealthCheckResponse { Status = status });
    }

    public override async Task Watch(
        HealthCheckRequest request,
        IServerStreamWriter<HealthCheckResponse> responseStream,
        ServerCallContext context)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, host.ApplicationStopping);
        using var timer = new PeriodicTimer(WatchInterval, time);
        ServingStatus? sent = null;
        do
        {
            var status = GetStatus(request.Service);
            if (status != sent)
            {
                await responseStream.WriteAsync(new HealthCheckResponse { Status = status }).ConfigureAwait(false);
                sent = status;
            }
        }
        while (!ending.IsCancellationRequested && await WaitAsync(timer, ending.Token).ConfigureAwait(false));
    }

    private static async ValueTask<bool> WaitAsync(PeriodicTimer timer, CancellationToken cancellationToken)
    {
        try
        {
            return await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private ServingStatus GetStatus(string service)
    {
        if (service.Length == 0)
        {
            return ServingStatus.Serving;
        }

        if (service != Inference.Descriptor.FullName)
        {
            return ServingStatus.ServiceUnknown;
        }

        return cluster.Models.Count > 0 && !lifetime.Draining ? ServingStatus.Serving : ServingStatus.NotServing;
    }
}
