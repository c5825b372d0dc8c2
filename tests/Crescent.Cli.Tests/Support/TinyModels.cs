using Crescent.Testing;

namespace Crescent.Cli.Tests.Support;

/// <summary>The models the tests of one class run.</summary>
public sealed class TinyModels : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public TinyModels()
    {
        ChatModel.Write(Chat);
        ChatModel.Write(Plain, chat: false);
        ChatModel.Write(Endless, contextLength: 1 << 20, endless: true);
    }

    /// <summary>Has a chat template; 512 tokens of context.</summary>
    public string Chat => _folder["chat model"];

    /// <summary>Has none.</summary>
    public string Plain => _folder["plain"];

    /// <summary>Has a chat template, and answers longer than any test waits.</summary>
    public string Endless => _folder["endless"];

    public void Dispose() => _folder.Dispose();
}
