namespace Crescent.Cluster.Local;

/// <summary>The cluster of one process: each model has one worker, and a request goes straight to it.</summary>
public sealed class LocalCluster : ICluster
{
    private readonly Lock _lock = new();
    private volatile Entry[] _entries = [];

    public IReadOnlyList<ServedModel> Models => Array.ConvertAll(_entries, entry => entry.Model);

    /// <summary>The model can be asked for from now on.</summary>
    public void Add(ServedModel model, IWorker worker)
    {
        lock (_lock)
        {
            _entries = [.. _entries, new Entry(model, worker)];
        }
    }

    public IAsyncEnumerable<TokenFrame> GenerateAsync(GenerateRequest request, CancellationToken cancellationToken)
    {
        var entry = Array.Find(_entries, entry => entry.Model.Id == request.Model)
            ?? throw new RequestException(RefusalKind.NotFound, $"the model '{request.Model}' does not exist", "model", "model_not_found");
        return entry.Worker.GenerateAsync(request, cancellationToken);
    }

    public ClusterStatus GetStatus() => new() { Workers = Array.ConvertAll(_entries, entry => entry.Worker.GetStatus()) };

    private sealed record Entry(ServedModel Model, IWorker Worker);
}
