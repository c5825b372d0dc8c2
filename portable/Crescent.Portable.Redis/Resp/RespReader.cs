using System.Globalization;
using System.Text;

namespace StackExchange.Redis.Resp;

/// <summary>Reads replies one after the other; long strings go from the stream into their own memory.</summary>
internal sealed class RespReader(Stream stream)
{
    private const int MaxDepth = 8;
    private const int MaxItems = 1 << 20;
    private const int MaxBulk = 512 << 20;

    /// <summary>A line longer than this is no RESP.</summary>
    private readonly byte[] _buffer = new byte[64 << 10];
    private int _at;
    private int _end;

    /// <exception cref="EndOfStreamException">The stream ended.</exception>
    /// <exception cref="InvalidDataException">What came is no RESP.</exception>
    public Task<RespReply> ReadAsync() => ReadAsync(0);

    private async Task<RespReply> ReadAsync(int depth)
    {
        string line = await ReadLineAsync().ConfigureAwait(false);
        string rest = line.Length == 0 ? "" : line[1..];
        switch (line.Length == 0 ? '\0' : line[0])
        {
            case '+':
                return new RespReply(RespKind.Text) { Text = rest };
            case '-':
                return new RespReply(RespKind.Error) { Text = rest };
            case ':':
                return new RespReply(RespKind.Integer) { Integer = NumberOf(rest, long.MinValue, long.MaxValue) };
            case '$':
                int length = (int)NumberOf(rest, -1, MaxBulk);
                return length < 0 ? RespReply.Null : new RespReply(RespKind.Bulk) { Bulk = await ReadBulkAsync(length).ConfigureAwait(false) };
            case '*' when depth < MaxDepth:
                int count = (int)NumberOf(rest, -1, MaxItems);
                return count < 0 ? RespReply.Null : new RespReply(RespKind.Array) { Items = await ReadItemsAsync(count, depth + 1).ConfigureAwait(false) };
            default:
                throw new InvalidDataException("the reply begins with no type of RESP");
        }
    }

    private static long NumberOf(string text, long least, long most) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= least && number <= most
            ? number
            : throw new InvalidDataException("the reply has no number, or one out of range");

    private async Task<RespReply[]> ReadItemsAsync(int count, int depth)
    {
        var items = new RespReply[count];
        for (int i = 0; i < count; i++)
        {
            items[i] = await ReadAsync(depth).ConfigureAwait(false);
        }

        return items;
    }

    private async Task<Lease<byte>> ReadBulkAsync(int length)
    {
        var lease = new Lease<byte>(length);
        int buffered = Math.Min(length, _end - _at);
        _buffer.AsMemory(_at, buffered).CopyTo(lease.Memory);
        _at += buffered;
        await stream.ReadExactlyAsync(lease.Memory[buffered..]).ConfigureAwait(false);
        if (await ReadLineAsync().ConfigureAwait(false) != "")
        {
            throw new InvalidDataException("a string is longer than it said");
        }

        return lease;
    }

    private async Task<string> ReadLineAsync()
    {
        int searched = _at;
        while (true)
        {
            int end = _buffer.AsSpan(searched, _end - searched).IndexOf("\r\n"u8);
            if (end >= 0)
            {
                string line = Encoding.UTF8.GetString(_buffer.AsSpan(_at, searched + end - _at));
                _at = searched + end + 2;
                return line;
            }

            // The next read may bring the second half of the line's end.
            int unsearched = _end > _at && _buffer[_end - 1] == '\r' ? 1 : 0;
            int kept = _end - _at;
            if (kept == _buffer.Length)
            {
                throw new InvalidDataException("a line of the reply has no end");
            }

            _buffer.AsSpan(_at, kept).CopyTo(_buffer);
            _at = 0;
            searched = kept - unsearched;
            int read = await stream.ReadAsync(_buffer.AsMemory(kept)).ConfigureAwait(false);
            _end = kept + read;
            if (read == 0)
            {
                throw new EndOfStreamException("Redis closed the connection");
            }
        }
    }
}
