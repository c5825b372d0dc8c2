using System.Runtime.InteropServices;

namespace Crescent.KvCache.Tiers.Disk;

/// <summary>Native memory that transfers go through; grows to the largest that was asked for.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    private void* _memory;
    private int _length;

    /// <summary>So many bytes at an aligned address; what was in the last ones is lost.</summary>
    public Span<byte> Get(int bytes)
    {
        if (bytes > _length)
        {
            NativeMemory.AlignedFree(_memory);
            _length = 0;
            _memory = NativeMemory.AlignedAlloc((nuint)bytes, DirectFile.Alignment);
            _length = bytes;
        }

        return new Span<byte>(_memory, bytes);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _length = 0;
    }
}
