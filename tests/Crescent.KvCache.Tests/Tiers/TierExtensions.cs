using Crescent.KvCache.Tiers;

namespace Crescent.KvCache.Tests.Tiers;

/// <summary>What tests do with a tier, in few words.</summary>
internal static class TierExtensions
{
    public static async Task<bool> WriteAsync(this IKvTier tier, TestRecord record) => await tier.WriteAsync(record.Key, record.Bytes, default);

    public static async Task RemoveAsync(this IKvTier tier, TestRecord record) => await tier.RemoveAsync(record.Key, default);

    /// <summary>Whether the record was there; it is right then, or the test fails.</summary>
    public static async Task<bool> HasAsync(this IKvTier tier, TestRecord record)
    {
        using var bytes = await tier.ReadAsync(record.Key, default);
        if (bytes is not null)
        {
            record.AssertIs(bytes.Memory);
        }

        return bytes is not null;
    }

    public static async Task<Residence> LookupAsync(this IKvTier tier, TestRecord record) => (await tier.LookupAsync([record]))[0];

    public static async Task<Residence[]> LookupAsync(this IKvTier tier, params TestRecord[] records)
    {
        var answers = new Residence[records.Length];
        await tier.LookupAsync(Array.ConvertAll(records, record => record.Key), answers, default);
        return answers;
    }

    public static long Failures(this IKvTier tier, string reason) => tier.GetStatus().Failures.GetValueOrDefault(reason);
}
