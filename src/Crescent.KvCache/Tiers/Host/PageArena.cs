using System.Runtime.InteropServices;

namespace Crescent.KvCache.Tiers.Host;

/// <summary>
/// Native memory of a fixed size in pages of a fixed size. A record takes a chain of pages, wherever they are, so there
/// is no fragmentation to grow with time. The bookkeeping is not safe for concurrent use; copying in and out of a chain
/// that stays allocated is.
/// </summary>
internal sealed unsafe class PageArena : IDisposable
{
    public const int PageBytes = 16 << 10;

    private readonly byte* _memory;

    /// <summary>Of a page in a chain, or in the chain of free pages, the page after it.</summary>
    private readonly int[] _next;

    private int _firstFree;

    public PageArena(int pages)
    {
        Pages = pages;
        FreePages = pages;
        _next = new int[pages];
        for (int i = 0; i < pages; i++)
        {
            _next[i] = i + 1;
        }

        _memory = (byte*)NativeMemory.Alloc((nuint)pages, PageBytes);
    }

    public int Pages { get; }

    public int FreePages { get; private set; }

    public static int PagesFor(int bytes) => (int)(((long)bytes + PageBytes - 1) / PageBytes);

    /// <summary>Takes so many of the free pages.</summary>
    /// <returns>The first of the chain.</returns>
    public int Allocate(int pages)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(pages, FreePages);
        int first = _firstFree;
        for (int i = 0; i < pages; i++)
        {
            _firstFree = _next[_firstFree];
        }

        FreePages -= pages;
        return first;
    }

    /// <summary>Gives a chain back.</summary>
    public void Free(int first, int pages)
    {
        int last = first;
        for (int i = 1; i < pages; i++)
        {
            last = _next[last];
        }

        _next[last] = _firstFree;
        _firstFree = first;
        FreePages += pages;
    }

    public void CopyIn(ReadOnlySpan<byte> source, int first)
    {
        for (int page = first; !source.IsEmpty; page = _next[page])
        {
            int length = Math.Min(PageBytes, source.Length);
            source[..length].CopyTo(PageOf(page));
            source = source[length..];
        }
    }

    public void CopyOut(int first, Span<byte> destination)
    {
        for (int page = first; !destination.IsEmpty; page = _next[page])
        {
            int length = Math.Min(PageBytes, destination.Length);
            PageOf(page)[..length].CopyTo(destination);
            destination = destination[length..];
        }
    }

    public void Dispose() => NativeMemory.Free(_memory);

    private Span<byte> PageOf(int page) => new(_memory + ((long)page * PageBytes), PageBytes);
}
