using System.Buffers;

namespace Crescent.KvCache.Codecs;

/// <summary>Memory for the time of a call, of any content.</summary>
internal readonly ref struct Scratch<T> : IDisposable
{
    private readonly T[] _array;

    public Scratch(int length)
    {
        _array = ArrayPool<T>.Shared.Rent(length);
        Span = _array.AsSpan(0, length);
    }

    public Span<T> Span { get; }

    public void Dispose() => ArrayPool<T>.Shared.Return(_array);
}
