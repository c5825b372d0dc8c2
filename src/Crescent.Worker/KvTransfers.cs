using System.Threading.Channels;
using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;
using Crescent.KvCache.Tiers;
using Crescent.Models;
using Crescent.Scheduling;
using Microsoft.Extensions.Logging;

namespace Crescent.Worker;

/// <summary>
/// Moves blocks between the device and the tiers below it. <b>Offload</b>: what a step has published is copied out between
/// two steps and stored by a thread of its own; when that one is behind, a block is left out. <b>Promote</b>: what a
/// sequence lacks and a tier has is read by other threads, block by block, and published between two steps; the sequence
/// waits for its next block only, and computes what turns out not to come. Members are for the engine's thread.
/// </summary>
internal sealed partial class KvTransfers<T> : IBlockSource, IDisposable
    where T : class
{
    private readonly Decoder<T> _decoder;
    private readonly PrefixCache _cache;
    private readonly TierStack _tiers;
    private readonly TransferOptions _options;
    private readonly Action<Action> _post;
    private readonly ILogger _logger;
    private readonly int _blockBytes;
    private readonly HashSet<BlockHash> _coming = [];
    private readonly HashSet<Promotion> _promotions = [];
    private readonly Channel<Offer> _offers;
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _writer;
    private long _offloaded;
    private long _promoted;

    /// <param name="post">Runs an action on the engine's thread, between two steps.</param>
    public KvTransfers(Decoder<T> decoder, PrefixCache cache, TierStack tiers, TransferOptions options, Action<Action> post, ILogger logger)
    {
        (_decoder, _cache, _tiers, _options, _post, _logger) = (decoder, cache, tiers, options, post, logger);
        _blockBytes = checked((int)decoder.Layout.BlockBytes);
        _offers = Channel.CreateBounded<Offer>(new BoundedChannelOptions(options.PendingOffloads) { SingleReader = true, SingleWriter = true });
        _writer = new Thread(WriteOffers) { IsBackground = true, Name = "crescent-offload" };
        _writer.Start();
    }

    /// <summary>Blocks copied out. This and the next may be read by any thread.</summary>
    public long Offloaded => Volatile.Read(ref _offloaded);

    /// <summary>Blocks that came from a tier.</summary>
    public long Promoted => Volatile.Read(ref _promoted);

    public IReadOnlyList<KeyValuePair<string, TierStatus>> GetTiers() => _tiers.GetStatus();

    public bool IsComing(BlockHash block) => _coming.Contains(block);

    /// <summary>Copies out what a step has published.</summary>
    public void Offload(IReadOnlyList<PublishedBlock> published)
    {
        for (int i = 0; i < published.Count; i++)
        {
            var (sequence, index, block) = published[i];
            if (!sequence.RootLasts || _offers.Reader.Count >= _options.PendingOffloads)
            {
                continue;
            }

            var bytes = RentedBytes.Rent(_blockBytes);
            _decoder.Backend.Wait(_decoder.Backend.CopyOut(_decoder.Pool, block, 0, _decoder.Layout.Layers, bytes.Memory, default));
            var tokens = sequence.Tokens.Slice(index * _cache.BlockSize, _cache.BlockSize).ToArray();

            // Nobody else writes, so there is still room.
            _offers.Writer.TryWrite(new Offer(AddressOf(sequence, index, tokens), bytes));
            _offloaded++;
        }
    }

    public void Seek(Sequence sequence, ReadOnlySpan<BlockHash> chain)
    {
        int first = sequence.Blocks.Count;
        if (!sequence.RootLasts || _promotions.Count >= _options.Promotions || _coming.Contains(chain[first]))
        {
            return;
        }

        int size = _cache.BlockSize;
        int[] tokens = sequence.Tokens[..(chain.Length * size)].ToArray();
        var blocks = Enumerable.Range(first, chain.Length - first).Select(i => AddressOf(sequence, i, tokens.AsMemory(i * size, size)));
        var promotion = new Promotion(chain.ToArray(), tokens, first, [.. blocks]);
        foreach (var block in promotion.Blocks)
        {
            _coming.Add(block.Hash);
        }

        _promotions.Add(promotion);
        _ = Task.Run(() => PromoteAsync(promotion, _stop.Token));
    }

    public void Dispose()
    {
        _stop.Cancel();

        // What was copied out is stored still: it is bounded, and would be missed after a restart.
        _offers.Writer.TryComplete();
        _writer.Join();
        foreach (var promotion in _promotions.ToArray())
        {
            End(promotion);
        }

        _stop.Dispose();
    }

    /// <summary>Stores what was copied out, until there will be no more.</summary>
    private void WriteOffers()
    {
        while (_offers.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (_offers.Reader.TryRead(out var offer))
            {
                Write(offer);
            }
        }
    }

    private void Write(Offer offer)
    {
        try
        {
            if (!_tiers.WriteAsync(offer.Block, offer.Bytes.Memory, CancellationToken.None).AsTask().Wait(_options.Patience))
            {
                // A tier that hangs may read the bytes yet: they are not given back.
                LogOffloadHangs(_logger, _options.Patience);
                return;
            }
        }
        catch (AggregateException e)
        {
            LogOffloadFailed(_logger, e);
        }

        offer.Bytes.Dispose();
    }

    /// <summary>Reads the blocks in order, a few at a time, and gives each to the engine; ends at the first that is not there in time.</summary>
    private async Task PromoteAsync(Promotion promotion, CancellationToken stop)
    {
        var reads = new Queue<Task<RentedBytes?>>();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(_options.Patience);
        try
        {
            int[] where = new int[promotion.Blocks.Length];
            await _tiers.LocateAsync(promotion.Blocks.Select(block => block.Hash).ToArray(), where, patience.Token).AsTask().WaitAsync(patience.Token);
            int count = Array.IndexOf(where, TierStack.Nowhere) is var end and >= 0 ? end : where.Length;
            _post(() => Expect(promotion, count));
            for (int next = 0, given = 0; given < count; given++)
            {
                for (; next < count && reads.Count < _options.ReadsAtOnce; next++)
                {
                    int index = next;
                    reads.Enqueue(Task.Run(() => ReadAsync(promotion.Blocks[index], where[index], patience.Token), patience.Token));
                }

                if (await reads.Peek().WaitAsync(patience.Token) is not { } bytes)
                {
                    break;
                }

                _ = reads.Dequeue();
                patience.CancelAfter(_options.Patience);
                _post(() => Arrive(promotion, bytes));
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e)
        {
            LogPromotionFailed(_logger, e);
        }

        // Nobody waits from now on, not even for reads that hang.
        _post(() => End(promotion));
        await patience.CancelAsync();
        foreach (var read in reads)
        {
            _ = read.ContinueWith(
                task => task.Result?.Dispose(), CancellationToken.None, TaskContinuationOptions.OnlyOnRanToCompletion, TaskScheduler.Default);
        }
    }

    private async Task<RentedBytes?> ReadAsync(BlockAddress block, int tier, CancellationToken cancellationToken)
    {
        var bytes = RentedBytes.Rent(_blockBytes);
        if (await _tiers.ReadAsync(block, tier, bytes.Memory, cancellationToken) != TierStack.Nowhere)
        {
            return bytes;
        }

        bytes.Dispose();
        return null;
    }

    /// <summary>It is known how many of the blocks a tier has: nobody waits for the others.</summary>
    private void Expect(Promotion promotion, int count)
    {
        foreach (var block in promotion.Blocks.AsSpan(count))
        {
            _coming.Remove(block.Hash);
        }
    }

    /// <summary>Publishes the next block of a promotion, unless it is there already or there is no room.</summary>
    private void Arrive(Promotion promotion, RentedBytes bytes)
    {
        using (bytes)
        {
            if (!_promotions.Contains(promotion))
            {
                return;
            }

            var block = promotion.Blocks[promotion.Arrived];
            int index = promotion.First + promotion.Arrived++;
            _cache.Acquire(promotion.Chain.AsSpan(0, index + 1), promotion.Tokens, promotion.Table);
            if (promotion.Table.Count == index && _cache.TryAllocate(1, promotion.Table))
            {
                _decoder.Backend.Wait(_decoder.Backend.CopyIn(_decoder.Pool, promotion.Table[index], 0, _decoder.Layout.Layers, bytes.Memory, default));
                _cache.Publish(promotion.Table, index, block.Hash, block.Tokens.Span);
                _promoted++;
            }

            _coming.Remove(block.Hash);
            if (promotion.Table.Count <= index)
            {
                End(promotion);
            }
        }
    }

    private void End(Promotion promotion)
    {
        if (!_promotions.Remove(promotion))
        {
            return;
        }

        foreach (var block in promotion.Blocks.AsSpan(promotion.Arrived))
        {
            _coming.Remove(block.Hash);
        }

        _cache.Release(promotion.Table);
    }

    private BlockAddress AddressOf(Sequence sequence, int index, ReadOnlyMemory<int> tokens) =>
        new(sequence.Chain(index + 1, _cache.BlockSize)[index], sequence.ParentOf(index), tokens);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A block could not be offloaded")]
    private static partial void LogOffloadFailed(ILogger logger, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "A block was not stored within {Patience}; it is given up")]
    private static partial void LogOffloadHangs(ILogger logger, TimeSpan patience);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Blocks could not be promoted; they are computed")]
    private static partial void LogPromotionFailed(ILogger logger, Exception exception);

    private readonly record struct Offer(BlockAddress Block, RentedBytes Bytes);

    /// <summary>Blocks on their way to the device, held there as they arrive until all have.</summary>
    /// <param name="chain">From the first block of the sequence to the last of these.</param>
    /// <param name="tokens">Of the whole chain.</param>
    /// <param name="first">Index in the chain of the first of them.</param>
    private sealed class Promotion(BlockHash[] chain, int[] tokens, int first, BlockAddress[] blocks)
    {
        public BlockHash[] Chain => chain;

        public int[] Tokens => tokens;

        public int First => first;

        public BlockAddress[] Blocks => blocks;

        public int Arrived { get; set; }

        public BlockTable Table { get; } = new();
    }
}
