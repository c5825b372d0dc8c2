namespace Crescent.Models.Weights;

/// <summary>
/// What a model computes, as 32 bytes: SHA-256 over the config fields that affect the forward pass, the tokenizer,
/// the tensor headers and all weight bytes.
/// </summary>
public sealed class ModelFingerprint
{
    /// <summary>Computes it on a background thread, or finds it in the cache.</summary>
    /// <param name="model">May be disposed meanwhile: the computation keeps the mapping.</param>
    /// <param name="cacheDirectory">
    /// Made if missing; holds one small file per model path. An entry counts while path, sizes and modification
    /// times are what they were; an unreadable one is computed anew, and one that cannot be written is left out.
    /// </param>
    public static Task<ModelFingerprint> ComputeAsync(
        ModelFile model, string cacheDirectory, CancellationToken cancellationToken) => throw new NotImplementedException();

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => throw new NotImplementedException();
}
