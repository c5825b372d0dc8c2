using System.Buffers;
using System.Buffers.Binary;
using Grpc.Core;

namespace Grpc.AspNetCore.Server;

/// <summary>Writes one message uncompressed behind its prefix: a zero byte and the length, big-endian.</summary>
internal sealed class MessageWriter(IBufferWriter<byte> output) : SerializationContext
{
    public override void SetPayloadLength(int payloadLength)
    {
        var prefix = output.GetSpan(MessageReader.PrefixSize);
        prefix[0] = 0;
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], payloadLength);
        output.Advance(MessageReader.PrefixSize);
    }

    public override IBufferWriter<byte> GetBufferWriter() => output;

    public override void Complete()
    {
    }

    public override void Complete(byte[] payload)
    {
        SetPayloadLength(payload.Length);
        output.Write(payload);
    }
}
