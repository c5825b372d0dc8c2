using System.Buffers.Text;

namespace StackExchange.Redis.Resp;

/// <summary>Writes commands, short ones together; long arguments go to the stream as they are.</summary>
internal sealed class RespWriter(Stream stream)
{
    /// <summary>'*' or '$', the digits of an int, and the line's end.</summary>
    private const int MaxHead = 13;

    private readonly byte[] _buffer = new byte[64 << 10];
    private int _used;

    public async ValueTask WriteAsync(ReadOnlyMemory<byte>[] command)
    {
        await ReserveAsync(MaxHead).ConfigureAwait(false);
        WriteHead((byte)'*', command.Length);
        foreach (var argument in command)
        {
            await ReserveAsync(MaxHead).ConfigureAwait(false);
            WriteHead((byte)'$', argument.Length);
            if (argument.Length > _buffer.Length / 2)
            {
                await FlushAsync().ConfigureAwait(false);
                await stream.WriteAsync(argument).ConfigureAwait(false);
            }
            else
            {
                await ReserveAsync(argument.Length).ConfigureAwait(false);
                Append(argument.Span);
            }

            await ReserveAsync(2).ConfigureAwait(false);
            Append("\r\n"u8);
        }
    }

    public async ValueTask FlushAsync()
    {
        await stream.WriteAsync(_buffer.AsMemory(0, _used)).ConfigureAwait(false);
        _used = 0;
        await stream.FlushAsync().ConfigureAwait(false);
    }

    private ValueTask ReserveAsync(int bytes) => _buffer.Length - _used < bytes ? FlushAsync() : ValueTask.CompletedTask;

    private void WriteHead(byte kind, int number)
    {
        _buffer[_used++] = kind;
        Utf8Formatter.TryFormat(number, _buffer.AsSpan(_used), out int digits);
        _used += digits;
        Append("\r\n"u8);
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }
}
