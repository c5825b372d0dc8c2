using System.Security.Cryptography;
using Crescent.KvCache.Codecs;
using Crescent.KvCache.Tiers;
using Crescent.KvCache.Tiers.Disk;
using Crescent.KvCache.Tiers.Host;
using Crescent.KvCache.Tiers.Redis;

namespace Crescent.Server;

/// <summary>The tiers below the device.</summary>
public sealed record TierOptions
{
    /// <summary>Bytes of host memory. Default: none, for a CPU's device pool is host memory itself.</summary>
    public long? HostBytes { get; init; }

    /// <summary>A folder that one process owns at a time. Default: none.</summary>
    public string? DiskDirectory { get; init; }

    /// <summary>What the folder may take. Default: 16 GiB.</summary>
    public long DiskBytes { get; init; } = 16L << 30;

    /// <summary>What StackExchange.Redis connects by. Default: none.</summary>
    public string? Redis { get; init; }

    /// <summary>What blocks may take there, of all processes that share it. Default: 4 GiB.</summary>
    public long RedisBytes { get; init; } = 4L << 30;

    /// <summary>How blocks are spelled there; lossless. Default: exponents, two thirds of BF16.</summary>
    public string Codec { get; init; } = "exponents";

    public bool Any => HostBytes is not null || DiskDirectory is not null || Redis is not null;

    /// <returns>null: there are none.</returns>
    /// <exception cref="ArgumentException">The codec is not there, is lossy, or saves nothing over the device's own memory.</exception>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    internal TierStack? Open(KvLayout layout)
    {
        if (!Any)
        {
            return null;
        }

        var codec = KvCodecs.Find(Codec)
            ?? throw new ArgumentException($"there is no KV codec '{Codec}'; there are {string.Join(", ", KvCodecs.All.Where(codec => codec.Lossless).Select(codec => codec.Name))}");
        if (HostBytes is not null && (codec is RawCodec || layout.Type == DType.Q8_0))
        {
            throw new ArgumentException($"a host cache of {layout.Type} KV as '{Codec}' holds no more than the device cache would in the same memory: enlarge that");
        }

        var tiers = new List<IKvTier>();
        if (HostBytes is { } bytes)
        {
            tiers.Add(new HostTier(bytes));
        }

        if (DiskDirectory is { } directory)
        {
            tiers.Add(DiskTier.Open(new DiskTierOptions { Directory = directory, CapacityBytes = DiskBytes }));
        }

        if (Redis is { } connection)
        {
            tiers.Add(RedisTier.OpenAsync(new RedisTierOptions { Connection = connection, CapacityBytes = RedisBytes }).GetAwaiter().GetResult());
        }

        return new TierStack(tiers, codec, layout);
    }

    /// <summary>What keys the salts: kept beside the fingerprints, so that blocks are found again after a restart.</summary>
    /// <exception cref="IOException">It cannot be kept.</exception>
    internal static byte[] ReadOrMakeSecret(string directory)
    {
        Directory.CreateDirectory(directory);
        string path = Path.Combine(directory, "secret");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            byte[] secret = RandomNumberGenerator.GetBytes(32);
            using var file = new FileStream(path, options);
            file.Write(secret);
            return secret;
        }
        catch (IOException) when (File.Exists(path))
        {
            byte[] secret = File.ReadAllBytes(path);
            return secret.Length == 32 ? secret : throw new IOException($"'{path}' does not hold 32 bytes");
        }
    }
}
