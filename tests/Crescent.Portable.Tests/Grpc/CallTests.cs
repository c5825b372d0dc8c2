using System.Net;

namespace Crescent.Portable.Tests.Grpc;

public sealed class CallTests : IAsyncLifetime
{
    private const string Service = "/crescent.probe.Probe/";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private ProbeHost _host = null!;

    private RawGrpcClient Client => _host.Client;

    public async Task InitializeAsync() => _host = await ProbeHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Fact]
    public async Task A_unary_answer_is_one_message_and_status_0_in_trailers()
    {
        var answer = await Client.CallAsync(Service + "Echo", new Note { Text = "hello" });

        Assert.Equal(HttpStatusCode.OK, answer.HttpStatus);
        Assert.Equal("application/grpc", answer.Headers["content-type"]);
        Assert.Equal("hello", Note.Parser.ParseFrom(Assert.Single(answer.Messages)).Text);
        Assert.Equal("0", answer.Trailers["grpc-status"]);
    }

    [Fact]
    public async Task An_empty_message_is_a_message()
    {
        var answer = await Client.CallAsync(Service + "Echo", new Note());

        Assert.Empty(Assert.Single(answer.Messages));
        Assert.Equal("0", answer.Status);
    }

    [Fact]
    public async Task A_stream_keeps_its_order_and_ends_with_its_status()
    {
        var answer = await Client.CallAsync(Service + "Spell", new Note { Text = "crescent" });

        Assert.Equal("crescent", string.Concat(answer.Messages.Select(m => Note.Parser.ParseFrom(m).Text)));
        Assert.Equal("0", answer.Trailers["grpc-status"]);
    }

    [Fact]
    public async Task Duplex_messages_are_answered_while_the_request_is_open()
    {
        var body = new OpenContent();
        var sending = Client.SendAsync(Service + "Talk", body, CancellationToken.None);
        await body.WriteAsync(RawGrpcClient.Frame(new Note { Text = "ping" }));
        using var response = await sending.WaitAsync(Patience);
        var stream = await response.Content.ReadAsStreamAsync();

        Assert.Equal("ping", await ReadNoteAsync(stream));

        await body.WriteAsync(RawGrpcClient.Frame(new Note { Text = "pong" }));
        Assert.Equal("pong", await ReadNoteAsync(stream));

        body.Complete();
        Assert.Equal(-1, stream.ReadByte());
        Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
    }

    [Fact]
    public async Task An_error_before_any_message_has_its_status_in_the_headers()
    {
        var answer = await Client.CallAsync(
            Service + "Fail", new Failure { Code = 8, Detail = "full", Trailers = { { "retry-after", "3" } } });

        Assert.True(answer.IsTrailersOnly);
        Assert.Empty(answer.Messages);
        Assert.Equal(("8", "full", "3"), (answer.Status, answer.Find("grpc-message"), answer.Find("retry-after")));
    }

    [Fact]
    public async Task An_error_after_a_message_has_its_status_in_the_trailers()
    {
        var answer = await Client.CallAsync(
            Service + "SpellAndFail", new Failure { Code = 14, Detail = "gone", Trailers = { { "x-why", "test" } } });

        Assert.Single(answer.Messages);
        Assert.Equal(("14", "gone", "test"), (answer.Trailers["grpc-status"], answer.Trailers["grpc-message"], answer.Trailers["x-why"]));
    }

    [Fact]
    public async Task A_status_message_is_percent_encoded_utf8()
    {
        var answer = await Client.CallAsync(Service + "Fail", new Failure { Code = 3, Detail = "50% of 漢\n" });

        Assert.Equal("50%25 of %E6%BC%A2%0A", answer.Find("grpc-message"));
    }

    [Fact]
    public async Task An_exception_is_status_unknown()
    {
        var answer = await Client.CallAsync(Service + "Throw", new Note { Text = "a secret" });

        Assert.Equal("2", answer.Status);
        Assert.DoesNotContain("secret", answer.Find("grpc-message"));
    }

    [Theory]
    [InlineData(Service + "Nothing")]
    [InlineData("/crescent.probe.Nobody/Echo")]
    public async Task An_unknown_method_is_unimplemented(string method)
    {
        var answer = await Client.CallAsync(method, new Note());

        Assert.Equal(HttpStatusCode.OK, answer.HttpStatus);
        Assert.Equal("12", answer.Status);
    }

    [Fact]
    public async Task What_is_not_grpc_is_left_to_other_routes()
    {
        using var route = await Client.SendAsync("/some/file", new StringContent("{}"), CancellationToken.None);
        using var nothing = await Client.SendAsync("/no/file", new StringContent("{}"), CancellationToken.None);

        Assert.Equal("an ordinary route", await route.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
    }

    [Fact]
    public async Task Another_content_type_is_refused_with_415()
    {
        using var response = await Client.SendAsync(Service + "Echo", new StringContent("{}"), CancellationToken.None);

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, response.StatusCode);
    }

    [Fact]
    public async Task A_handler_sees_deadline_and_headers()
    {
        var before = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

        var answer = await Client.CallAsync(Service + "Describe", new Note(), ("grpc-timeout", "100S"), ("x-probe", "seen"));

        var seen = CallDescription.Parser.ParseFrom(Assert.Single(answer.Messages));
        var after = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        Assert.InRange(seen.Deadline, before + 99_000, after + 101_000);
        Assert.Equal("seen", seen.Header);
    }

    [Theory]
    [InlineData("")]
    [InlineData("S")]
    [InlineData("1x")]
    [InlineData("-1S")]
    public async Task A_timeout_that_cannot_be_read_is_none(string timeout)
    {
        var answer = await Client.CallAsync(Service + "Describe", new Note(), ("grpc-timeout", timeout));

        Assert.Equal(0, CallDescription.Parser.ParseFrom(Assert.Single(answer.Messages)).Deadline);
    }

    [Theory]
    [InlineData("99999999H")]
    [InlineData("99999999S")]
    public async Task A_timeout_of_years_is_accepted(string timeout)
    {
        var answer = await Client.CallAsync(Service + "Describe", new Note(), ("grpc-timeout", timeout));

        Assert.Equal("0", answer.Status);
    }

    [Fact]
    public async Task A_deadline_cancels_the_handler_and_ends_the_call()
    {
        var answer = await Client.CallAsync(Service + "Wait", new Note(), ("grpc-timeout", "500m"));

        Assert.Single(answer.Messages);
        Assert.Equal("4", answer.Trailers["grpc-status"]);
        await _host.Signals.Cancelled.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task A_deadline_does_not_wait_for_the_handler()
    {
        var answer = await Client.CallAsync(Service + "Hold", new Note(), ("grpc-timeout", "1000u"));

        Assert.Equal("4", answer.Status);
        Assert.False(_host.Signals.Released.Task.IsCompleted);
    }

    [Fact]
    public async Task A_client_that_goes_away_cancels_the_handler()
    {
        var response = await Client.SendAsync(
            Service + "Wait", new ByteArrayContent(RawGrpcClient.Frame(new Note())), CancellationToken.None);

        response.Dispose();

        await _host.Signals.Cancelled.Task.WaitAsync(Patience);
    }

    private static async Task<string> ReadNoteAsync(Stream stream)
    {
        var prefix = new byte[RawGrpcClient.PrefixSize];
        await stream.ReadExactlyAsync(prefix).AsTask().WaitAsync(Patience);
        var payload = new byte[prefix[4]];
        await stream.ReadExactlyAsync(payload).AsTask().WaitAsync(Patience);
        return Note.Parser.ParseFrom(payload).Text;
    }
}
