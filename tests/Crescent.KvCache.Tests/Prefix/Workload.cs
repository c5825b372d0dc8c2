using System.Text.Json;
using Crescent.KvCache.Blocks;
using Crescent.KvCache.Prefix;

namespace Crescent.KvCache.Tests.Prefix;

/// <summary>Requests one after the other, each a chain of block ids; an id stands for its block and all before it.</summary>
internal sealed class Workload
{
    private readonly int[][] _requests;
    private readonly BlockHash[][] _chains;

    public Workload(IEnumerable<int[]> requests)
    {
        _requests = [.. requests];
        var hashes = new Dictionary<int, BlockHash>();
        _chains = new BlockHash[_requests.Length][];
        for (int r = 0; r < _requests.Length; r++)
        {
            var parent = new BlockHash(new byte[BlockHash.Size]);
            _chains[r] = new BlockHash[_requests[r].Length];
            for (int i = 0; i < _requests[r].Length; i++)
            {
                int id = _requests[r][i];
                parent = hashes.TryGetValue(id, out var known) ? known : hashes[id] = BlockChain.Next(parent, [id]);
                _chains[r][i] = parent;
            }
        }

        DistinctBlocks = hashes.Count;
    }

    public int DistinctBlocks { get; }

    public static Workload Trace(string path) => new(File.ReadLines(path).Select(line =>
    {
        using var record = JsonDocument.Parse(line);
        return record.RootElement.GetProperty("hash_ids").EnumerateArray().Select(id => id.GetInt32()).ToArray();
    }));

    /// <summary>
    /// Conversations over a few system prompts that grow turn by turn with a given chance of one more turn, and pauses of
    /// log-normal lengths between.
    /// </summary>
    public static Workload Conversations(int seed, int count, double another, double pause)
    {
        var random = new Random(seed);
        var ids = new Ids();
        var systems = Enumerable.Range(0, 10).Select(_ => ids.Next(random.Next(1, 6))).ToArray();
        var turns = new PriorityQueue<int[], double>();
        double start = 0;
        for (int i = 0; i < count; i++)
        {
            start -= Math.Log(1 - random.NextDouble());
            turns.Enqueue(systems[(int)(systems.Length * Math.Pow(random.NextDouble(), 3))], start);
        }

        var requests = new List<int[]>();
        while (turns.TryDequeue(out var before, out double now))
        {
            int[] chain = [.. before, .. ids.Next(1 + (int)(-6 * Math.Log(1 - random.NextDouble())))];
            requests.Add(chain);
            if (random.NextDouble() < another && chain.Length < 150)
            {
                double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
                turns.Enqueue(chain, now + (pause * Math.Exp(normal)));
            }
        }

        return new Workload(requests);
    }

    /// <summary>Short questions about documents, popular ones more often; which are popular may change with time.</summary>
    public static Workload Documents(int seed, int count, double skew, bool drifts)
    {
        var random = new Random(seed);
        var ids = new Ids();
        var documents = Enumerable.Range(0, count).Select(_ => ids.Next(random.Next(8, 60))).ToArray();
        double sum = 0;
        var cumulative = documents.Select((_, i) => sum += 1 / Math.Pow(i + 1, skew)).ToArray();
        return new Workload(Enumerable.Range(0, count * 4).Select(request =>
        {
            int rank = Array.BinarySearch(cumulative, random.NextDouble() * sum);
            int document = ((rank < 0 ? ~rank : rank) + (drifts ? request / 20 : 0)) % count;
            return (int[])[.. documents[document], .. ids.Next(random.Next(1, 4))];
        }));
    }

    /// <summary>Runs all requests through a prefix cache of so many blocks.</summary>
    /// <returns>Share of the blocks that were hits, and of the seconds that hits saved.</returns>
    public (double Blocks, double Seconds) Replay(int blocks, IEvictionPolicy policy, PrefillCost cost)
    {
        var cache = new PrefixCache(blocks, blockSize: 1, new PrefixCacheOptions { Eviction = policy, Prefill = cost });
        var table = new BlockTable();
        long hits = 0;
        long asked = 0;
        double saved = 0;
        double all = 0;
        for (int r = 0; r < _requests.Length; r++)
        {
            var (tokens, chain) = (_requests[r], _chains[r]);
            cache.Acquire(chain, tokens, table);
            int held = table.Count;
            hits += held;
            asked += chain.Length;
            saved += cost.Seconds(0, held);
            all += cost.Seconds(0, chain.Length);
            Assert.True(cache.TryAllocate(chain.Length - held, table));
            for (int i = held; i < chain.Length; i++)
            {
                cache.Publish(table, i, chain[i], tokens.AsSpan(i, 1));
            }

            cache.Release(table);
        }

        cache.CheckIntegrity();
        return ((double)hits / asked, saved / all);
    }

    /// <summary>
    /// The same when eviction knows the future and takes the block that is used again last. That is always a leaf, for who
    /// uses a block uses all before it.
    /// </summary>
    /// <returns>Share of the blocks that were hits: no policy has more.</returns>
    public double ReplayClairvoyant(int blocks)
    {
        var next = NextUses();
        var held = new Dictionary<int, (int Next, int Depth)>();
        var order = new SortedSet<(int Next, int Depth, int Id)>();
        long hits = 0;
        for (int r = 0; r < _requests.Length; r++)
        {
            var ids = _requests[r];
            int known = ids.TakeWhile(held.ContainsKey).Count();
            hits += known;
            foreach (int id in ids[..known])
            {
                order.Remove((held[id].Next, held[id].Depth, id));
            }

            for (int i = 0; i < ids.Length; i++)
            {
                if (i >= known && held.Count == blocks)
                {
                    var last = order.Max;
                    order.Remove(last);
                    held.Remove(last.Id);
                }

                held[ids[i]] = (next[r][i], i);
            }

            for (int i = 0; i < ids.Length; i++)
            {
                order.Add((next[r][i], i, ids[i]));
            }
        }

        return (double)hits / _requests.Sum(request => request.Length);
    }

    private int[][] NextUses()
    {
        var next = new int[_requests.Length][];
        var last = new Dictionary<int, int>();
        for (int r = _requests.Length - 1; r >= 0; r--)
        {
            next[r] = [.. _requests[r].Select(id => last.GetValueOrDefault(id, int.MaxValue))];
            Array.ForEach(_requests[r], id => last[id] = r);
        }

        return next;
    }

    private sealed class Ids
    {
        private int _next;

        public int[] Next(int count)
        {
            _next += count;
            return [.. Enumerable.Range(_next - count, count)];
        }
    }
}
