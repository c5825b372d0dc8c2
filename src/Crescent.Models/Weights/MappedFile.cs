using System.IO.MemoryMappedFiles;

namespace Crescent.Models.Weights;

/// <summary>A whole file, mapped read-only.</summary>
internal sealed unsafe class MappedFile : IDisposable
{
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _data;
    private int _disposed;

    private MappedFile(string path, FileStream stream)
    {
        Path = path;
        Length = stream.Length;
        Modified = File.GetLastWriteTimeUtc(stream.SafeFileHandle);
        if (Length == 0)
        {
            throw new ModelFormatException(path, "the file is empty");
        }

        _file = MemoryMappedFile.CreateFromFile(
            stream, null, 0, MemoryMappedFileAccess.Read, HandleInheritability.None, leaveOpen: true);
        _view = _file.CreateViewAccessor(0, Length, MemoryMappedFileAccess.Read);
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref _data);
    }

    public string Path { get; }

    public long Length { get; }

    public DateTime Modified { get; }

    /// <exception cref="ModelFormatException">The file is missing, empty or cannot be read.</exception>
    public static MappedFile Open(string path)
    {
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            return new MappedFile(path, stream);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ModelFiles.CannotRead(path, e);
        }
    }

    /// <param name="offset">With <paramref name="length"/>, inside the file.</param>
    public ReadOnlySpan<byte> Span(long offset, int length)
    {
        CheckRange(offset, length);
        return new ReadOnlySpan<byte>(_data + offset, length);
    }

    /// <summary>Address of a range that is inside the file.</summary>
    public nint Address(long offset, long length)
    {
        CheckRange(offset, length);
        return (nint)(_data + offset);
    }

    /// <summary>Keeps the mapping, also past <see cref="Dispose"/>, until what it returns is disposed.</summary>
    /// <exception cref="ObjectDisposedException">It is too late.</exception>
    public IDisposable Hold() => new Holder(_view.SafeMemoryMappedViewHandle);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            _view.SafeMemoryMappedViewHandle.ReleasePointer();
            _view.Dispose();
            _file.Dispose();
        }
    }

    private void CheckRange(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), $"[{offset}, {offset} + {length}) is outside of '{Path}', which has {Length} bytes.");
        }
    }

    private sealed class Holder : IDisposable
    {
        private Microsoft.Win32.SafeHandles.SafeMemoryMappedViewHandle? _handle;

        public Holder(Microsoft.Win32.SafeHandles.SafeMemoryMappedViewHandle handle)
        {
            var added = false;
            handle.DangerousAddRef(ref added);
            _handle = handle;
        }

        public void Dispose() => Interlocked.Exchange(ref _handle, null)?.DangerousRelease();
    }
}
