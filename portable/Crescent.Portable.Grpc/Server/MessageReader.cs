using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Google.Protobuf;
using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>Reads the framed messages of one request body.</summary>
/// <param name="encoding">The request's grpc-encoding; null for identity.</param>
/// <param name="maxMessageSize">In bytes; null for no limit.</param>
internal sealed class MessageReader(PipeReader input, string? encoding, int? maxMessageSize)
{
    /// <summary>A byte that says whether the message is compressed, and its length in four bytes, big-endian.</summary>
    public const int PrefixSize = 5;

    private readonly int _maxMessageSize = maxMessageSize ?? Array.MaxLength;

    /// <summary>The only message there is.</summary>
    /// <exception cref="RpcException">There is none, or more than one.</exception>
    public async Task<T> ReadSingleAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
        where T : class
    {
        var message = await ReadAsync(marshaller, cancellationToken) ?? throw Broken("The request has no message.");
        if (await ReadAsync(marshaller, cancellationToken) is not null)
        {
            throw Broken("The request has more than one message.");
        }

        return message;
    }

    /// <summary>The next message, or null after the last.</summary>
    /// <exception cref="RpcException">The message is too long, cut off, badly compressed or not what the method takes.</exception>
    public async Task<T?> ReadAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
        where T : class
    {
        while (true)
        {
            var result = await ReadInputAsync(cancellationToken);
            var buffer = result.Buffer;
            if (TryReadFrame(buffer, out var compressed, out var payload))
            {
                var message = Deserialize(marshaller, compressed ? Decompress(payload) : payload);
                input.AdvanceTo(payload.End);
                return message;
            }

            input.AdvanceTo(buffer.Start, buffer.End);
            if (result.IsCompleted)
            {
                return buffer.IsEmpty ? null : throw Broken("The request ends in the middle of a message.");
            }
        }
    }

    private static T Deserialize<T>(Marshaller<T> marshaller, ReadOnlySequence<byte> payload)
    {
        try
        {
            return marshaller.Deserializer(new Payload(payload));
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw Broken($"The request message cannot be read: {exception.Message}");
        }
    }

    private static RpcException Broken(string detail) => new(new Status(StatusCode.Internal, detail));

    private async ValueTask<ReadResult> ReadInputAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await input.ReadAsync(cancellationToken);
        }
        catch (IOException)
        {
            // The stream or the connection was reset; the call's token may fire only later.
            throw new RpcException(new Status(StatusCode.Cancelled, "The client is gone."));
        }
    }

    private bool TryReadFrame(ReadOnlySequence<byte> buffer, out bool compressed, out ReadOnlySequence<byte> payload)
    {
        (compressed, payload) = (false, default);
        if (buffer.Length < PrefixSize)
        {
            return false;
        }

        Span<byte> prefix = stackalloc byte[PrefixSize];
        buffer.Slice(0, PrefixSize).CopyTo(prefix);
        compressed = prefix[0] switch
        {
            0 => false,
            1 => true,
            _ => throw Broken("A message's compression flag is neither 0 nor 1."),
        };
        var length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (length > _maxMessageSize)
        {
            throw TooLong();
        }

        if (buffer.Length < PrefixSize + length)
        {
            return false;
        }

        payload = buffer.Slice(PrefixSize, length);
        return true;
    }

    private ReadOnlySequence<byte> Decompress(ReadOnlySequence<byte> payload)
    {
        if (encoding is null or "identity")
        {
            throw Broken("A message is compressed, but the request names no grpc-encoding.");
        }

        if (encoding != "gzip")
        {
            var status = new Status(StatusCode.Unimplemented, $"The grpc-encoding {encoding} is not supported.");
            throw new RpcException(status, new Metadata { { Protocol.AcceptEncodingHeader, Protocol.AcceptedEncodings } });
        }

        var message = new ArrayBufferWriter<byte>();
        try
        {
            using var gzip = new GZipStream(PipeReader.Create(payload).AsStream(), CompressionMode.Decompress);
            for (var read = -1; read != 0; message.Advance(read))
            {
                read = gzip.Read(message.GetSpan());
                if (message.WrittenCount + read > _maxMessageSize)
                {
                    throw TooLong();
                }
            }
        }
        catch (InvalidDataException)
        {
            throw Broken("A message is not valid gzip.");
        }

        return new ReadOnlySequence<byte>(message.WrittenMemory);
    }

    private RpcException TooLong() =>
        new(new Status(StatusCode.ResourceExhausted, $"A message is longer than the limit of {_maxMessageSize} bytes."));

    private sealed class Payload(ReadOnlySequence<byte> bytes) : DeserializationContext
    {
        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => bytes;

        public override byte[] PayloadAsNewBuffer() => bytes.ToArray();
    }
}
