using Crescent.Gateway.Auth;
using Crescent.Gateway.Generation;
using Grpc.Core;

namespace Crescent.Gateway.Grpc;

/// <summary>crescent.v1.Inference: reads requests and writes deltas; everything between is the pipeline's.</summary>
internal sealed class InferenceService(
    CompletionPipeline pipeline,
    ICluster cluster,
    GatewayLifetime lifetime,
    ApiKeyAuthenticator authenticator) : Inference.InferenceBase
{
    public override async Task Generate(
        GenerateRequest request,
        IServerStreamWriter<GenerateResponse> responseStream,
        ServerCallContext context)
    {
        try
        {
            var tenant = Authenticate(context);
            var completion = pipeline.Prepare(GrpcMessages.ToCompletionRequest(request, tenant, context.Deadline));
            await StreamAsync(completion, responseStream, context.CancellationToken).ConfigureAwait(false);
        }
        catch (RequestException refusal)
        {
            throw GrpcErrors.ToRpcException(refusal);
        }
        catch (OperationCanceledException) when (context.CancellationToken.IsCancellationRequested)
        {
            throw GrpcErrors.Ended(StatusCode.Cancelled, "The client is gone.");
        }
    }

    public override Task<CountTokensResponse> CountTokens(CountTokensRequest request, ServerCallContext context) =>
        Answer(context, () => new CountTokensResponse
        {
            Count = pipeline.Tokenize(request.Model, GrpcMessages.ToPrompt(request.Input)).Count,
        });

    public override Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context) =>
        Answer(context, () => new ListModelsResponse { Models = { cluster.Models.Select(GrpcMessages.ToModel) } });

    public override Task<GetStatusResponse> GetStatus(GetStatusRequest request, ServerCallContext context) =>
        Answer(context, () => new GetStatusResponse
        {
            Draining = lifetime.Draining,
            Workers = { cluster.GetStatus().Workers.Select(GrpcMessages.ToWorker) },
        });

    /// <summary>A stream whose choices did not all end in the ordinary way ends with the gravest reason's status.</summary>
    private static async Task StreamAsync(
        Completion completion,
        IServerStreamWriter<GenerateResponse> responses,
        CancellationToken cancellationToken)
    {
        var gravest = Crescent.FinishReason.Stop;
        string? error = null;
        await foreach (var delta in completion.RunAsync(cancellationToken).ConfigureAwait(false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            await responses.WriteAsync(new GenerateResponse { Chunk = GrpcMessages.ToChunk(delta) }).ConfigureAwait(false);
            if (delta.FinishReason > gravest)
            {
                gravest = delta.FinishReason.Value;
                error = delta.Error;
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        await responses.WriteAsync(new GenerateResponse { Summary = GrpcMessages.ToSummary(completion) }).ConfigureAwait(false);
        if (GrpcErrors.ToRpcException(gravest, error) is { } untimely)
        {
            throw untimely;
        }
    }

    private string Authenticate(ServerCallContext context) =>
        authenticator.Authenticate(context.RequestHeaders.GetValue("authorization"));

    private Task<T> Answer<T>(ServerCallContext context, Func<T> answer)
    {
        try
        {
            Authenticate(context);
            return Task.FromResult(answer());
        }
        catch (RequestException refusal)
        {
            throw GrpcErrors.ToRpcException(refusal);
        }
    }
}
