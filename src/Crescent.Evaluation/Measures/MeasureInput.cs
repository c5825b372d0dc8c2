using System.Text.Json.Serialization;
using Crescent.Models.Weights;

namespace Crescent.Evaluation.Measures;

/// <summary>What a measure is taken on. Backend and file stay the caller's; one measure at a time uses the backend.</summary>
/// <param name="Text">Token ids; windows are cut out of it.</param>
public sealed record MeasureInput<T>(IBackend<T> Backend, ModelFile File, ReadOnlyMemory<int> Text)
    where T : class
{
    /// <summary>Takes the place of each window's first token, for models whose texts all begin with it. Default: none.</summary>
    public int? FirstToken { get; init; }

    /// <summary>Receives the share that is done, from 0 to 1, after each window.</summary>
    public IProgress<double>? Progress { get; init; }

    /// <summary>Ends a measure between two steps of the decoder.</summary>
    public CancellationToken Cancellation { get; init; }
}

/// <summary>How the model is run: what two runs that are compared differ in.</summary>
/// <param name="KvType">F32, BF16 or Q8_0.</param>
public sealed record MeasuredSetup(
    [property: JsonConverter(typeof(JsonStringEnumConverter<DType>))] DType KvType);
