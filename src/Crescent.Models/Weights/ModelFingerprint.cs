using System.Security.Cryptography;
using System.Text.Json;

namespace Crescent.Models.Weights;

/// <summary>
/// What a model computes, as 32 bytes: SHA-256 over the config fields that affect the forward pass, the tokenizer,
/// the tensor headers and all weight bytes.
/// </summary>
public sealed class ModelFingerprint
{
    private const int FormatVersion = 1;

    /// <summary>Weights are hashed in pieces of this size, between which cancellation is seen.</summary>
    private const int PieceBytes = 16 << 20;

    private readonly byte[] _bytes;

    private ModelFingerprint(byte[] bytes) => _bytes = bytes;

    /// <summary>32 bytes.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <summary>Computes it on a background thread that yields to all others, or finds it in the cache.</summary>
    /// <param name="model">May be disposed meanwhile: the computation keeps the mapping.</param>
    /// <param name="cacheDirectory">
    /// Made if missing; holds one small file per model path. An entry counts while path, sizes and modification
    /// times are what they were; an unreadable one is computed anew, and one that cannot be written is left out.
    /// </param>
    /// <exception cref="ModelFormatException">The tokenizer's file cannot be read any more.</exception>
    public static async Task<ModelFingerprint> ComputeAsync(
        ModelFile model, string cacheDirectory, CancellationToken cancellationToken)
    {
        var holds = model.Files.Select(file => file.Hold()).ToArray();
        try
        {
            return await Task.Factory.StartNew(
                () => FindOrCompute(model, cacheDirectory, cancellationToken),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default).ConfigureAwait(false);
        }
        finally
        {
            Array.ForEach(holds, hold => hold.Dispose());
        }
    }

    /// <summary>64 hexadecimal digits.</summary>
    public override string ToString() => Convert.ToHexStringLower(_bytes);

    private static ModelFingerprint FindOrCompute(
        ModelFile model, string cacheDirectory, CancellationToken cancellationToken)
    {
        var head = HashHead(model);
        var key = HashKey(model, head);
        var pathHash = SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(model.Path));
        var cachePath = Path.Combine(cacheDirectory, Convert.ToHexStringLower(pathHash.AsSpan(0, 16)) + ".fingerprint.json");
        if (ReadCache(cachePath, key) is { } cached)
        {
            return new ModelFingerprint(cached);
        }

        // Nobody waits for it, and the first requests want the processors.
        ThreadPriorities.YieldToAll();
        var fingerprint = HashWeights(model, head, cancellationToken);
        WriteCache(cachePath, new CacheEntry(model.Path, key, Convert.ToHexStringLower(fingerprint)));
        return new ModelFingerprint(fingerprint);
    }

    /// <summary>Everything but the weights: config, tensor headers, tokenizer.</summary>
    private static byte[] HashHead(ModelFile model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        writer.Write(FormatVersion);
        WriteConfig(writer, model.Config);
        foreach (var weight in Ordered(model))
        {
            writer.Write(weight.Name);
            writer.Write((int)weight.Type);
            writer.Write(weight.Rows);
            writer.Write(weight.Columns);
        }

        hash.AppendData(buffer.GetBuffer().AsSpan(0, (int)buffer.Length));
        if (model.TokenizerJsonPath is { } tokenizer)
        {
            hash.AppendData(ModelFiles.ReadAll(tokenizer));
        }

        foreach (var (start, length) in model.TokenizerRanges)
        {
            hash.AppendData(model.Files[0].Span(start, length));
        }

        return hash.GetHashAndReset();
    }

    /// <summary>The context length is left out: it bounds requests and changes no result.</summary>
    private static void WriteConfig(BinaryWriter writer, DecoderConfig config)
    {
        writer.Write(config.Architecture);
        foreach (var size in (ReadOnlySpan<int>)[
            config.VocabularySize, config.HiddenSize, config.IntermediateSize,
            config.Layers, config.Heads, config.KvHeads, config.HeadDim])
        {
            writer.Write(size);
        }

        writer.Write(config.RmsNormEpsilon);
        foreach (var frequency in config.InverseFrequencies())
        {
            writer.Write(frequency);
        }

        writer.Write(config.RopeInterleaved);
        writer.Write(config.QkNorm);
        writer.Write(config.TiedHead);
    }

    /// <summary>What a cache entry is good for: the head, and path, size and modification time of the weight files.</summary>
    private static string HashKey(ModelFile model, byte[] head)
    {
        using var buffer = new MemoryStream();
        using var writer = new BinaryWriter(buffer);
        writer.Write(head);
        foreach (var file in model.Files)
        {
            writer.Write(file.Path);
            writer.Write(file.Length);
            writer.Write(file.Modified.Ticks);
        }

        return Convert.ToHexStringLower(SHA256.HashData(buffer.GetBuffer().AsSpan(0, (int)buffer.Length)));
    }

    private static unsafe byte[] HashWeights(ModelFile model, byte[] head, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(head);
        foreach (var weight in Ordered(model))
        {
            for (var start = 0L; start < weight.Bytes; start += PieceBytes)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var length = (int)Math.Min(PieceBytes, weight.Bytes - start);
                hash.AppendData(new ReadOnlySpan<byte>((byte*)weight.Data + start, length));
            }
        }

        return hash.GetHashAndReset();
    }

    /// <summary>A tied head is the embedding again and left out.</summary>
    private static IEnumerable<WeightSource> Ordered(ModelFile model) => model.Weights.Values
        .Where(weight => !model.Config.TiedHead || weight.Name != TensorNames.Output)
        .OrderBy(weight => weight.Name, StringComparer.Ordinal);

    private static byte[]? ReadCache(string path, string key)
    {
        try
        {
            var entry = JsonSerializer.Deserialize<CacheEntry>(File.ReadAllBytes(path));
            return entry?.Key == key && entry.Fingerprint?.Length == 2 * SHA256.HashSizeInBytes
                ? Convert.FromHexString(entry.Fingerprint) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or FormatException)
        {
            return null;
        }
    }

    private static void WriteCache(string path, CacheEntry entry)
    {
        var temporary = $"{path}.{Guid.NewGuid():N}";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(entry));
            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The cache only saves time.
        }
    }

    private sealed record CacheEntry(string ModelPath, string Key, string Fingerprint);
}
