using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Crescent.KvCache.Prefix;

/// <summary>
/// What all blocks of a chain have in common: h₀ is the SHA-256 of this record, so blocks of another model, numerics,
/// block size, tenant or way of computing can never answer.
/// </summary>
/// <param name="ModelFingerprint">32 bytes.</param>
/// <param name="BlockSize">Positions per block.</param>
/// <param name="NumericsId">Backend, kernel path and revision, weight and KV dtype.</param>
/// <param name="Salt">32 bytes: the tenant's, see <see cref="TenantSalt"/>.</param>
public sealed record RootRecord(ReadOnlyMemory<byte> ModelFingerprint, int BlockSize, string NumericsId, ReadOnlyMemory<byte> Salt)
{
    private const int FormatVersion = 1;

    /// <summary>KV that prefill computed with full attention over lossless KV.</summary>
    private const string ExactClass = "exact";

    /// <summary>Each field is preceded by its length, so no two records share an encoding.</summary>
    public BlockHash Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> numbers = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(numbers, FormatVersion);
        BinaryPrimitives.WriteInt32LittleEndian(numbers[4..], BlockSize);
        hash.AppendData(numbers);
        Append(hash, ModelFingerprint.Span);
        Append(hash, Encoding.UTF8.GetBytes(NumericsId));
        Append(hash, Salt.Span);
        Append(hash, Encoding.UTF8.GetBytes(ExactClass));
        return new BlockHash(hash.GetHashAndReset());
    }

    internal static void Append(IncrementalHash hash, ReadOnlySpan<byte> field)
    {
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, field.Length);
        hash.AppendData(length);
        hash.AppendData(field);
    }
}

/// <summary>Salt = HMAC(server secret, tenant ‖ cache salt): a request's salt narrows sharing within its tenant, never widens it.</summary>
public static class TenantSalt
{
    public static byte[] Compute(ReadOnlySpan<byte> serverSecret, string tenant, string? cacheSalt)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, serverSecret);
        RootRecord.Append(hash, Encoding.UTF8.GetBytes(tenant));
        RootRecord.Append(hash, Encoding.UTF8.GetBytes(cacheSalt ?? ""));
        return hash.GetHashAndReset();
    }
}

/// <summary>The roots of the chains that one worker's blocks belong to, one per salt.</summary>
/// <param name="fingerprint">32 bytes: the model's, or bytes nobody else has while that is not known yet.</param>
/// <param name="blockSize">Positions per block.</param>
/// <param name="numericsId">Backend, kernel path and revision, weight and KV dtype.</param>
/// <param name="serverSecret">Keys the salts. At least 32 bytes.</param>
public sealed class PrefixRoots(ReadOnlyMemory<byte> fingerprint, int blockSize, string numericsId, ReadOnlyMemory<byte> serverSecret)
{
    public BlockHash For(string tenant, string? cacheSalt) =>
        new RootRecord(fingerprint, blockSize, numericsId, TenantSalt.Compute(serverSecret.Span, tenant, cacheSalt)).Hash();
}

/// <summary>hᵢ = SHA-256(hᵢ₋₁ ‖ token ids as int32 little-endian).</summary>
public static class BlockChain
{
    /// <param name="parent">The block before, or the root record's hash.</param>
    /// <param name="tokens">The block's token ids: exactly one block of them, at most 256.</param>
    public static BlockHash Next(BlockHash parent, ReadOnlySpan<int> tokens)
    {
        Span<byte> input = stackalloc byte[BlockHash.Size + (tokens.Length * sizeof(int))];
        parent.CopyTo(input);
        for (int i = 0; i < tokens.Length; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(input[(BlockHash.Size + (i * sizeof(int)))..], tokens[i]);
        }

        Span<byte> output = stackalloc byte[BlockHash.Size];
        SHA256.HashData(input, output);
        return new BlockHash(output);
    }
}
