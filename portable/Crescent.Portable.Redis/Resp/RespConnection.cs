using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;

namespace StackExchange.Redis.Resp;

/// <summary>
/// A connection until it ends: commands are written in the order they come, by one task, and their replies read by
/// another. Once it ends everything still under way fails.
/// </summary>
internal sealed class RespConnection : IAsyncDisposable
{
    /// <summary>Commands that wait to be written.</summary>
    private const int MaxWaiting = 16 << 10;

    /// <summary>Commands in a row whose time ran out, after which the server counts as gone.</summary>
    private const int MaxUnanswered = 16;

    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly Channel<Request> _waiting =
        Channel.CreateBounded<Request>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });

    private readonly ConcurrentQueue<Request> _sent = new();
    private readonly TaskCompletionSource<RedisConnectionException> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _loops;
    private int _unanswered;

    private RespConnection(Socket socket, Stream stream)
    {
        _socket = socket;
        _stream = stream;
        _loops = Task.WhenAll(RunAsync(WriteAllAsync), RunAsync(ReadAllAsync));
    }

    /// <summary>Connects, encrypts, and says who this is.</summary>
    /// <exception cref="RedisConnectionException">It could not, within its time.</exception>
    public static async Task<RespConnection> OpenAsync(ConfigurationOptions options, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.ConnectTimeout);
        try
        {
            var connection = await ConnectAsync(options, limit.Token).ConfigureAwait(false);
            try
            {
                await connection.GreetAsync(options).WaitAsync(limit.Token).ConfigureAwait(false);
                return connection;
            }
            catch
            {
                await connection.DisposeAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch (RedisServerException exception)
        {
            throw new RedisConnectionException(ConnectionFailureType.AuthenticationFailure, exception.Message, exception);
        }
        catch (Exception exception) when (exception is SocketException or IOException or AuthenticationException or OperationCanceledException)
        {
            throw new RedisConnectionException(ConnectionFailureType.UnableToConnect, $"no connection to Redis at {options.Host}:{options.Port}", exception);
        }
    }

    /// <summary>Sends a command after all before it.</summary>
    /// <exception cref="RedisServerException">The answer is an error.</exception>
    /// <exception cref="RedisConnectionException">The connection ended first.</exception>
    /// <exception cref="TimeoutException">No answer came in time; it is ignored when it comes.</exception>
    public async Task<RespReply> AskAsync(ReadOnlyMemory<byte>[] command, TimeSpan timeout)
    {
        var request = new Request(command);
        if (!_waiting.Writer.TryWrite(request))
        {
            throw new RedisConnectionException(ConnectionFailureType.SocketFailure, "the connection has ended, or too much waits for it");
        }

        RespReply reply;
        try
        {
            reply = await request.Reply.Task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            request.TryBegin();
            if (Interlocked.Increment(ref _unanswered) > MaxUnanswered)
            {
                End(new RedisConnectionException(ConnectionFailureType.SocketFailure, "Redis does not answer"));
            }

            throw;
        }

        return reply.Kind == RespKind.Error ? throw new RedisServerException(reply.Text) : reply;
    }

    /// <returns>Why it ended.</returns>
    public async Task<RedisConnectionException> EndAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.Register(() => End(new RedisConnectionException(ConnectionFailureType.ConnectionDisposed, "disposed"))).ConfigureAwait(false);
        return await _end.Task.ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        End(new RedisConnectionException(ConnectionFailureType.ConnectionDisposed, "disposed"));
        await _loops.ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
        FailAll();
    }

    private static async Task<RespConnection> ConnectAsync(ConfigurationOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken).ConfigureAwait(false);
            Stream stream = new NetworkStream(socket);
            return new RespConnection(socket, options.Ssl ? await EncryptAsync(stream, options, cancellationToken).ConfigureAwait(false) : stream);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task<Stream> EncryptAsync(Stream stream, ConfigurationOptions options, CancellationToken cancellationToken)
    {
        var encrypted = new SslStream(stream);
        var authentication = new SslClientAuthenticationOptions { TargetHost = options.SslHost ?? options.Host };
        if (options.Issuer is { } issuer)
        {
            authentication.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            authentication.CertificateChainPolicy.CustomTrustStore.Add(issuer);
        }

        await encrypted.AuthenticateAsClientAsync(authentication, cancellationToken).ConfigureAwait(false);
        return encrypted;
    }

    /// <summary>A server that wants a password refuses even the PING of who gave none.</summary>
    private async Task GreetAsync(ConfigurationOptions options)
    {
        if (options.Password is { } password)
        {
            await GreetAsync(options.User is { } user ? ["AUTH", user, password] : ["AUTH", password]).ConfigureAwait(false);
        }

        if (options.Database != 0)
        {
            await GreetAsync("SELECT", options.Database.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
        }

        await GreetAsync("PING").ConfigureAwait(false);
    }

    private Task GreetAsync(params string[] words) =>
        AskAsync(Array.ConvertAll(words, word => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(word)), Timeout.InfiniteTimeSpan);

    private async Task RunAsync(Func<Task> loop)
    {
        try
        {
            await loop().ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            var type = exception is InvalidDataException ? ConnectionFailureType.ProtocolFailure : ConnectionFailureType.SocketFailure;
            End(new RedisConnectionException(type, "the connection to Redis has ended", exception));
        }
    }

    private async Task WriteAllAsync()
    {
        var writer = new RespWriter(_stream);
        while (await _waiting.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            while (_waiting.Reader.TryRead(out var request))
            {
                if (request.TryBegin())
                {
                    _sent.Enqueue(request);
                    await writer.WriteAsync(request.Command).ConfigureAwait(false);
                }
            }

            await writer.FlushAsync().ConfigureAwait(false);
        }
    }

    private async Task ReadAllAsync()
    {
        var reader = new RespReader(_stream);
        while (true)
        {
            var reply = await reader.ReadAsync().ConfigureAwait(false);
            Volatile.Write(ref _unanswered, 0);
            if (!_sent.TryDequeue(out var request))
            {
                throw new InvalidDataException("a reply to no command");
            }

            request.Reply.TrySetResult(reply);
        }
    }

    private void End(RedisConnectionException failure)
    {
        if (_end.TrySetResult(failure))
        {
            _waiting.Writer.TryComplete();
            _socket.Dispose();
        }
    }

    /// <summary>Nothing is written any more, and nothing comes to wait.</summary>
    private void FailAll()
    {
        var failure = _end.Task.Result;
        while (_sent.TryDequeue(out var request) || _waiting.Reader.TryRead(out request))
        {
            request.Reply.TrySetException(failure);
        }
    }

    private sealed class Request(ReadOnlyMemory<byte>[] command)
    {
        private int _begun;

        public ReadOnlyMemory<byte>[] Command { get; } = command;

        public TaskCompletionSource<RespReply> Reply { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>True once: for who writes it, or who gives it up before.</summary>
        public bool TryBegin() => Interlocked.Exchange(ref _begun, 1) == 0;
    }
}
