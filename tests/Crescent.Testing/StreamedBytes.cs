namespace Crescent.Testing;

/// <summary>A tensor's bytes that need not fit in memory.</summary>
/// <param name="Length">Bytes.</param>
/// <param name="Write">Writes exactly so many.</param>
public sealed record StreamedBytes(long Length, Action<Stream> Write)
{
    public byte[] ToArray()
    {
        var stream = new MemoryStream();
        Write(stream);
        return stream.ToArray();
    }
}
