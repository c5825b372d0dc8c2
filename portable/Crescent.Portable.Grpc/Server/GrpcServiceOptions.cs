namespace Grpc.AspNetCore.Server;

public class GrpcServiceOptions
{
    internal GrpcServiceOptions()
    {
    }

    /// <summary>
    /// The most bytes one message may have, before and after decompression; a longer one ends its call with
    /// RESOURCE_EXHAUSTED. null: no limit. Default: 4 MiB.
    /// </summary>
    public int? MaxReceiveMessageSize { internal get; set; } = 4 * 1024 * 1024;
}
