using Crescent.Scheduling;

namespace Crescent.Worker;

public sealed record WorkerOptions
{
    public SchedulerOptions Scheduler { get; init; } = new();

    public TransferOptions Transfers { get; init; } = new();

    /// <summary>Requests in the worker at once, running and waiting; one more is refused. Default: 1,024.</summary>
    public int MaxRequests { get; init; } = 1024;
}
