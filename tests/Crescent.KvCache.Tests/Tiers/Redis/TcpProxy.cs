using System.Net;
using System.Net.Sockets;

namespace Crescent.KvCache.Tests.Tiers.Redis;

/// <summary>Stands between a client and a server of this machine: holds answers, or cuts them off.</summary>
internal sealed class TcpProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly Lock _lock = new();
    private readonly List<Socket> _sockets = [];
    private volatile TaskCompletionSource _open = new();
    private long _requestBytes;
    private long _cutAfter = long.MaxValue;

    public TcpProxy(int target)
    {
        _target = target;
        _open.SetResult();
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Endpoint => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Bytes that came from clients.</summary>
    public long RequestBytes => Interlocked.Read(ref _requestBytes);

    /// <summary>Answers stay here until <see cref="Release"/>.</summary>
    public void Hold()
    {
        if (_open.Task.IsCompleted)
        {
            _open = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Release() => _open.TrySetResult();

    /// <summary>Closes all connections once so many more bytes of answers have passed.</summary>
    public void CutAfter(long bytes) => Interlocked.Exchange(ref _cutAfter, bytes);

    public void Dispose()
    {
        _listener.Stop();
        Release();
        Cut();
    }

    private void Cut()
    {
        lock (_lock)
        {
            foreach (var socket in _sockets)
            {
                socket.Dispose();
            }

            _sockets.Clear();
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptSocketAsync();
                var server = new Socket(SocketType.Stream, ProtocolType.Tcp);
                lock (_lock)
                {
                    _sockets.AddRange(client, server);
                }

                _ = ServeAsync(client, server);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Socket client, Socket server)
    {
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await await Task.WhenAny(ForwardAsync(client, server), ReturnAsync(server, client));
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }

        client.Dispose();
        server.Dispose();
    }

    private async Task ForwardAsync(Socket client, Socket server)
    {
        byte[] buffer = new byte[64 << 10];
        while (await client.ReceiveAsync(buffer) is > 0 and int read)
        {
            Interlocked.Add(ref _requestBytes, read);
            await SendAsync(server, buffer.AsMemory(0, read));
        }
    }

    private async Task ReturnAsync(Socket server, Socket client)
    {
        byte[] buffer = new byte[64 << 10];
        while (await server.ReceiveAsync(buffer) is > 0 and int read)
        {
            await _open.Task;
            long left = Interlocked.Add(ref _cutAfter, -read);
            await SendAsync(client, buffer.AsMemory(0, (int)Math.Clamp(left + read, 0, read)));
            if (left < 0)
            {
                Interlocked.Exchange(ref _cutAfter, long.MaxValue);
                Cut();
            }
        }
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            bytes = bytes[await socket.SendAsync(bytes)..];
        }
    }
}
