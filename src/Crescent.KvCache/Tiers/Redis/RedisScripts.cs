namespace Crescent.KvCache.Tiers.Redis;

/// <summary>
/// What runs inside Redis (6.2 or newer), each script atomically, so that records and their accounting agree whoever else
/// writes. A record is a string with a time to live. The index of a prefix is three keys:
/// <code>
/// use       sorted set   record's key → microseconds of its last use, plus INNER while records follow it in its chain
/// sizes     hash         record's key → "bytes parent's key"; bytes → their sum; cursor → where the scan is, or done
/// children  hash         record's key → how many records of the index follow it
/// </code>
/// The first of "use" is therefore the least recently used leaf. Redis may lose any of this by itself: a record's entry
/// goes when it is met without its record; an index that lost a part begins anew and finds its records by scanning, a
/// step per write. Keys are not all declared, as victims are not known before: all are in one slot of a cluster.
/// </summary>
internal static class RedisScripts
{
    /// <summary>
    /// Keys: use, sizes, children, record. First arguments: time to live in ms, prefix of record keys, where in a record its
    /// parent's hash is (from 1). All but <see cref="Lookup"/> answer {done, sum of bytes, records, evicted, lost}.
    /// </summary>
    private const string Index = """
        local use, sizes, children, record = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
        local ttl, prefix, parent_at = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
        local INNER, HASH = 4e15, 32
        local clock = redis.call('TIME')
        local now = clock[1] * 1000000 + clock[2]
        local evicted, lost = 0, 0

        local function open_index()
          if redis.call('ZCARD', use) + 2 ~= redis.call('HLEN', sizes) then
            redis.call('UNLINK', use, sizes, children)
            redis.call('HSET', sizes, 'bytes', 0, 'cursor', 0)
          end
        end

        local function parent_of(key, header)
          if string.sub(header, 1, 4) ~= 'CRKV' or #header < parent_at + HASH - 1 then
            return ''
          end
          local hex = string.gsub(string.sub(header, parent_at, parent_at + HASH - 1), '.', function(c)
            return string.format('%02x', string.byte(c))
          end)
          return prefix .. hex .. string.sub(key, #prefix + 2 * HASH + 1)
        end

        local function shift(key, by)
          local score = redis.call('ZSCORE', use, key)
          if score and (tonumber(score) >= INNER) == (by < 0) then
            redis.call('ZINCRBY', use, by, key)
          end
        end

        local function forget(key)
          local entry = redis.call('HGET', sizes, key)
          if not entry then
            return 0
          end
          local size, parent = string.match(entry, '^(%d+) (.*)$')
          redis.call('ZREM', use, key)
          redis.call('HDEL', sizes, key)
          redis.call('HINCRBY', sizes, 'bytes', '-' .. size)
          if parent ~= '' and redis.call('HINCRBY', children, parent, -1) <= 0 then
            redis.call('HDEL', children, parent)
            shift(parent, -INNER)
          end
          return tonumber(size)
        end

        local function drop(key)
          redis.call('UNLINK', key)
          return forget(key)
        end

        local function forget_lost(key)
          local score = redis.call('ZSCORE', use, key)
          if score then
            if tonumber(score) % INNER + ttl * 1000 > now then
              lost = lost + 1
            else
              evicted = evicted + 1
            end
            forget(key)
          end
        end

        local function enter(key, size, parent)
          forget(key)
          redis.call('HSET', sizes, key, size .. ' ' .. parent)
          redis.call('HINCRBY', sizes, 'bytes', size)
          redis.call('ZADD', use, redis.call('HEXISTS', children, key) * INNER + now, key)
          if parent ~= '' then
            redis.call('HINCRBY', children, parent, 1)
            shift(parent, INNER)
          end
        end

        local function adopt(key)
          enter(key, redis.call('STRLEN', key), parent_of(key, redis.call('GETRANGE', key, 0, parent_at + HASH)))
        end

        local function touch(key)
          redis.call('PEXPIRE', key, ttl)
          open_index()
          local score = redis.call('ZSCORE', use, key)
          if not score then
            adopt(key)
          elseif tonumber(score) >= INNER then
            redis.call('ZADD', use, INNER + now, key)
          else
            redis.call('ZADD', use, now, key)
          end
        end

        -- Evicts until there is enough, at most a batch. What is spared is no victim, and nothing used after it is.
        local function make_room(batch, spared, enough)
          for _ = 1, batch do
            if enough() then
              return true
            end
            local victim = redis.call('ZRANGE', use, 0, 0)[1]
            if not victim or victim == spared then
              return false
            end
            drop(victim)
            evicted = evicted + 1
          end
          return enough()
        end

        local function answer(done)
          return {done, tonumber(redis.call('HGET', sizes, 'bytes') or 0), redis.call('ZCARD', use), evicted, lost}
        end

        """;

    /// <summary>After a read: the record was used now; one that is gone leaves the index.</summary>
    public const string Use = Index + """
        if redis.call('EXISTS', record) == 1 then
          touch(record)
          return answer(1)
        end
        forget_lost(record)
        return answer(0)
        """;

    public const string Remove = Index + """
        drop(record)
        return answer(1)
        """;

    /// <summary>
    /// Further key: the record's bytes under a passing name, which the script changes; they do not travel through Lua, which
    /// copies them three times. Further arguments: the quota in bytes, the most evictions, the scan's step. Enters the record,
    /// then evicts until the quota holds again; when that would take more evictions, or the record itself as it follows all
    /// that could go, it goes again. Answers -1 when there are no such bytes.
    /// </summary>
    public const string Commit = Index + """
        local staged, quota, batch, step = KEYS[5], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]

        local function heal()
          for _, key in ipairs(redis.call('ZRANDMEMBER', use, 4)) do
            if redis.call('EXISTS', key) == 0 then
              forget_lost(key)
            end
          end
          local cursor = redis.call('HGET', sizes, 'cursor')
          if cursor ~= 'done' then
            local found = redis.call('SCAN', cursor, 'MATCH', prefix .. '*', 'COUNT', step)
            for _, key in ipairs(found[2]) do
              if not redis.call('ZSCORE', use, key) then
                adopt(key)
              end
            end
            redis.call('HSET', sizes, 'cursor', found[1] == '0' and 'done' or found[1])
          end
        end

        if redis.call('EXISTS', record) == 1 then
          redis.call('UNLINK', staged)
          touch(record)
          return answer(1)
        end
        if redis.call('EXISTS', staged) == 0 then
          return answer(-1)
        end

        redis.call('RENAME', staged, record)
        touch(record)
        heal()
        if make_room(batch, record, function()
          return tonumber(redis.call('HGET', sizes, 'bytes')) <= quota
        end) then
          return answer(1)
        end
        drop(record)
        return answer(0)
        """;

    /// <summary>
    /// After Redis said OOM to a record, whatever the quota: evicts as many bytes, for the next one. Further arguments: bytes,
    /// the most evictions.
    /// </summary>
    public const string GiveWay = Index + """
        local wanted, batch = tonumber(ARGV[4]), tonumber(ARGV[5])
        local function held()
          return tonumber(redis.call('HGET', sizes, 'bytes') or 0)
        end
        local before = held()
        make_room(batch, record, function()
          return before - held() >= wanted
        end)
        return answer(0)
        """;

    /// <summary>Keys: records. Answers 1 or 0 for each.</summary>
    public const string Lookup = """
        local there = {}
        for i, key in ipairs(KEYS) do
          there[i] = redis.call('EXISTS', key)
        end
        return there
        """;
}
