using Google.Protobuf;

namespace Crescent.Portable.Tests.Grpc;

/// <summary>Framing, sizes and compression of what a client sends.</summary>
public sealed class MessageTests : IAsyncLifetime
{
    private const string Echo = "/crescent.probe.Probe/Echo";
    private const string Ok = "0";
    private const string ResourceExhausted = "8";
    private const string Unimplemented = "12";
    private const string Internal = "13";

    /// <summary>Tag and length of a text of more than 2 MiB.</summary>
    private const int LongNoteOverhead = 5;

    private ProbeHost _host = null!;

    public async Task InitializeAsync() => _host = await ProbeHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_message_of_the_size_limit_is_read_whole()
    {
        var note = new Note { Text = new string('x', ProbeHost.MaxReceiveMessageSize - LongNoteOverhead) };
        Assert.Equal(ProbeHost.MaxReceiveMessageSize, note.CalculateSize());

        var answer = await SendAsync(RawGrpcClient.Frame(note));

        Assert.Equal(Ok, answer.Status);
        Assert.Equal(note, Note.Parser.ParseFrom(Assert.Single(answer.Messages)));
    }

    [Fact]
    public async Task A_message_over_the_size_limit_is_refused()
    {
        var note = new Note { Text = new string('x', ProbeHost.MaxReceiveMessageSize - LongNoteOverhead + 1) };

        // The server does not read what it refuses, so only the prefix is sent.
        var answer = await SendAsync(RawGrpcClient.Frame(note)[..RawGrpcClient.PrefixSize]);

        Assert.Equal(ResourceExhausted, answer.Status);
    }

    [Fact]
    public async Task A_message_may_come_in_any_pieces()
    {
        var body = new OpenContent();
        foreach (var piece in RawGrpcClient.Frame(new Note { Text = "in pieces" }).Chunk(1))
        {
            await body.WriteAsync(piece);
        }

        body.Complete();
        var answer = await _host.Client.CallAsync(Echo, body);

        Assert.Equal("in pieces", Note.Parser.ParseFrom(Assert.Single(answer.Messages)).Text);
    }

    [Fact]
    public async Task A_gzip_message_is_read()
    {
        var note = new Note { Text = new string('z', 100_000) };

        var answer = await SendAsync(RawGrpcClient.Frame(RawGrpcClient.Gzip(note.ToByteArray()), compressed: true), "gzip");

        Assert.Equal(note, Note.Parser.ParseFrom(Assert.Single(answer.Messages)));
    }

    [Fact]
    public async Task A_plain_message_may_come_under_a_gzip_header()
    {
        var answer = await SendAsync(RawGrpcClient.Frame(new Note { Text = "plain" }), "gzip");

        Assert.Equal("plain", Note.Parser.ParseFrom(Assert.Single(answer.Messages)).Text);
    }

    [Fact]
    public async Task An_unknown_encoding_is_unimplemented_and_the_known_ones_are_named()
    {
        var answer = await SendAsync(RawGrpcClient.Frame(new Note { Text = "x" }, compressed: true), "snappy");

        Assert.Equal(Unimplemented, answer.Status);
        Assert.Contains("gzip", answer.Find("grpc-accept-encoding"));
    }

    [Fact]
    public async Task A_compressed_message_without_an_encoding_is_an_error()
    {
        var answer = await SendAsync(RawGrpcClient.Frame(new Note { Text = "x" }, compressed: true));

        Assert.Equal(Internal, answer.Status);
    }

    [Fact]
    public async Task A_request_without_a_message_is_an_error()
    {
        var answer = await SendAsync([]);

        Assert.Equal(Internal, answer.Status);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(7)]
    public async Task A_request_that_ends_in_a_message_is_an_error(int length)
    {
        var answer = await SendAsync(RawGrpcClient.Frame(new Note { Text = "cut off" })[..length]);

        Assert.Equal(Internal, answer.Status);
    }

    [Fact]
    public async Task A_unary_request_of_two_messages_is_an_error()
    {
        var frame = RawGrpcClient.Frame(new Note { Text = "once" });

        var answer = await SendAsync([.. frame, .. frame]);

        Assert.Equal(Internal, answer.Status);
    }

    [Fact]
    public async Task A_message_that_is_not_protobuf_fails_and_the_next_call_is_served()
    {
        var broken = await SendAsync(RawGrpcClient.Frame(new byte[] { 0xff, 0xff, 0xff }));
        var next = await SendAsync(RawGrpcClient.Frame(new Note { Text = "next" }));

        Assert.NotEqual(Ok, broken.Status);
        Assert.Equal(Ok, next.Status);
    }

    private Task<RawAnswer> SendAsync(byte[] body, string? encoding = null) =>
        _host.Client.CallAsync(Echo, new ByteArrayContent(body), encoding is null ? [] : [("grpc-encoding", encoding)]);
}
