using Grpc.Core;

namespace Crescent.Portable.Tests.Grpc;

internal sealed class ProbeService(ProbeSignals signals) : Probe.ProbeBase
{
    public override Task<Note> Echo(Note request, ServerCallContext context) => Task.FromResult(request);

    public override Task<Note> Fail(Failure request, ServerCallContext context) => throw ToException(request);

    public override Task<Note> Throw(Note request, ServerCallContext context) =>
        throw new InvalidOperationException(request.Text);

    public override async Task Spell(Note request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        foreach (var letter in request.Text)
        {
            await responseStream.WriteAsync(new Note { Text = letter.ToString() });
        }
    }

    public override async Task SpellAndFail(
        Failure request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        await responseStream.WriteAsync(new Note { Text = "first" });
        throw ToException(request);
    }

    public override async Task Wait(Note request, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        await responseStream.WriteAsync(new Note { Text = "waiting" });
        try
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }
        finally
        {
            signals.Cancelled.TrySetResult();
        }
    }

    public override async Task<Note> Hold(Note request, ServerCallContext context)
    {
        await signals.Released.Task;
        return request;
    }

    public override async Task Talk(
        IAsyncStreamReader<Note> requestStream, IServerStreamWriter<Note> responseStream, ServerCallContext context)
    {
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            await responseStream.WriteAsync(requestStream.Current);
        }
    }

    public override Task<CallDescription> Describe(Note request, ServerCallContext context) =>
        Task.FromResult(new CallDescription
        {
            Deadline = context.Deadline == DateTime.MaxValue ? 0 : new DateTimeOffset(context.Deadline).ToUnixTimeMilliseconds(),
            Header = context.RequestHeaders.GetValue("x-probe") ?? "",
        });

    private static RpcException ToException(Failure failure)
    {
        var trailers = new Metadata();
        foreach (var (key, value) in failure.Trailers)
        {
            trailers.Add(key, value);
        }

        return new RpcException(new Status((StatusCode)failure.Code, failure.Detail), trailers);
    }
}

/// <summary>What passes between a handler and its test, outside the call.</summary>
internal sealed class ProbeSignals
{
    public TaskCompletionSource Cancelled { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource Released { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}
