using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Crescent.Portable.Tests.Redis;

/// <summary>Answers commands with what a test says, a byte at a time.</summary>
internal sealed class FakeRedis : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Func<string[], string> _answer;

    /// <param name="answer">From a command's words to the bytes of its reply.</param>
    public FakeRedis(Func<string[], string> answer)
    {
        _answer = answer;
        _listener.Start();
        _ = ServeAsync();
    }

    public string Endpoint => $"127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public void Dispose() => _listener.Stop();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                client.NoDelay = true;
                await ServeAsync(client.GetStream());
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Stream stream)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1);
        try
        {
            while (await reader.ReadLineAsync() is { } head)
            {
                string[] words = new string[int.Parse(head[1..])];
                for (int i = 0; i < words.Length; i++)
                {
                    char[] word = new char[int.Parse((await reader.ReadLineAsync())![1..])];
                    await reader.ReadBlockAsync(word);
                    await reader.ReadLineAsync();
                    words[i] = new string(word);
                }

                foreach (byte single in Encoding.Latin1.GetBytes(words[0] == "PING" ? "+PONG\r\n" : _answer(words)))
                {
                    await stream.WriteAsync(new[] { single });
                }
            }
        }
        catch (IOException)
        {
        }
    }
}
