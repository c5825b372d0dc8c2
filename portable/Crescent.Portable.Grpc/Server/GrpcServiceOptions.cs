namespace Grpc.AspNetCore.Server;

public class GrpcServiceOptions
{
    /// <summary>
    /// The most bytes one message may have, before and after decompression; a longer one ends its call with
    /// RESOURCE_EXHAUSTED. null: no limit. Default: 4 MiB.
    /// </summary>
    public int? MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;
}
