using System.Buffers;

namespace Grpc.Core;

/// <summary>
/// Where one message is written: either <see cref="Complete(byte[])"/> with all of it, or
/// <see cref="SetPayloadLength"/>, the bytes into <see cref="GetBufferWriter"/>, and <see cref="Complete()"/>.
/// </summary>
public abstract class SerializationContext
{
    private protected SerializationContext()
    {
    }

    public abstract void SetPayloadLength(int payloadLength);

    public abstract IBufferWriter<byte> GetBufferWriter();

    public abstract void Complete();

    public abstract void Complete(byte[] payload);
}

/// <summary>Where one message is read from; valid during the deserializer's call only.</summary>
public abstract class DeserializationContext
{
    private protected DeserializationContext()
    {
    }

    public abstract ReadOnlySequence<byte> PayloadAsReadOnlySequence();

    public abstract byte[] PayloadAsNewBuffer();
}

/// <summary>Turns messages into bytes and back.</summary>
public class Marshaller<T>
{
    internal Marshaller(Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer)
    {
        Serializer = serializer;
        Deserializer = deserializer;
    }

    internal Action<T, SerializationContext> Serializer { get; }

    internal Func<DeserializationContext, T> Deserializer { get; }
}

public static class Marshallers
{
    public static Marshaller<T> Create<T>(
        Action<T, SerializationContext> serializer, Func<DeserializationContext, T> deserializer) =>
        new(serializer, deserializer);
}
