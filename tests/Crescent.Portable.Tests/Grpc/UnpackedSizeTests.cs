using Google.Protobuf;

namespace Crescent.Portable.Tests.Grpc;

/// <summary>Where the stand-in is stricter than what it stands in for.</summary>
public class UnpackedSizeTests
{
    [Fact]
    public async Task A_gzip_message_over_the_limit_when_unpacked_is_refused()
    {
        const string ResourceExhausted = "8";
        await using var host = await ProbeHost.StartAsync();
        var note = new Note { Text = new string('z', ProbeHost.MaxReceiveMessageSize) };
        var packed = RawGrpcClient.Frame(RawGrpcClient.Gzip(note.ToByteArray()), compressed: true);

        var answer = await host.Client.CallAsync(
            "/crescent.probe.Probe/Echo", new ByteArrayContent(packed), ("grpc-encoding", "gzip"));

        Assert.Equal(ResourceExhausted, answer.Status);
    }
}
