using System.Buffers;
using System.Globalization;
using System.Text;
using StackExchange.Redis.Resp;

namespace StackExchange.Redis;

public readonly struct RedisKey
{
    private RedisKey(ReadOnlyMemory<byte> bytes)
    {
        Bytes = bytes;
    }

    internal ReadOnlyMemory<byte> Bytes { get; }

    public static implicit operator RedisKey(string key) => new(Encoding.UTF8.GetBytes(key));
}

public readonly struct RedisValue
{
    private RedisValue(ReadOnlyMemory<byte> bytes)
    {
        Bytes = bytes;
    }

    internal ReadOnlyMemory<byte> Bytes { get; }

    public static implicit operator RedisValue(string value) => new(Encoding.UTF8.GetBytes(value));

    public static implicit operator RedisValue(int value) => (long)value;

    public static implicit operator RedisValue(long value) => value.ToString(CultureInfo.InvariantCulture);

    /// <summary>Keeps the memory: it must not change before the command has ended.</summary>
    public static implicit operator RedisValue(ReadOnlyMemory<byte> value) => new(value);
}

/// <summary>What a script answered.</summary>
public sealed class RedisResult
{
    private readonly RespReply _reply;

    internal RedisResult(RespReply reply)
    {
        _reply = reply;
    }

    /// <exception cref="InvalidCastException">It is no array of integers.</exception>
    public static explicit operator long[]?(RedisResult? result) =>
        result?._reply.Items is { } items
            ? Array.ConvertAll(items, item => item.Kind == RespKind.Integer ? item.Integer : throw new InvalidCastException($"{item.Kind} in an array of integers"))
            : null;
}

/// <summary>Bytes of an answer, out of a pool.</summary>
public sealed class Lease<T> : IMemoryOwner<T>
{
    private T[]? _array;

    internal Lease(int length)
    {
        _array = ArrayPool<T>.Shared.Rent(length);
        Length = length;
    }

    public int Length { get; }

    Memory<T> IMemoryOwner<T>.Memory => Memory;

    internal Memory<T> Memory => (_array ?? throw new ObjectDisposedException(nameof(Lease<>))).AsMemory(0, Length);

    void IDisposable.Dispose()
    {
        if (Interlocked.Exchange(ref _array, null) is { } array)
        {
            ArrayPool<T>.Shared.Return(array);
        }
    }
}
