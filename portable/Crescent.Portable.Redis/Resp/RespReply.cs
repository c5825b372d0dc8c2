namespace StackExchange.Redis.Resp;

internal enum RespKind
{
    Null,
    Text,
    Error,
    Integer,
    Bulk,
    Array,
}

/// <summary>One value of RESP 2.</summary>
internal sealed record RespReply(RespKind Kind)
{
    public static readonly RespReply Null = new(RespKind.Null);

    public string Text { get; init; } = "";

    public long Integer { get; init; }

    public Lease<byte>? Bulk { get; init; }

    public RespReply[]? Items { get; init; }
}
