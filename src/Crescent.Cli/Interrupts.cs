using System.Runtime.InteropServices;

namespace Crescent.Cli;

/// <summary>
/// Ctrl-C and SIGTERM. Each signal cancels what is running; when nothing is, or it is cancelled already, the process
/// ends at once with <see cref="ExitCodes.Interrupted"/>.
/// </summary>
internal sealed class Interrupts : IDisposable
{
    private readonly Action _beforeExit;
    private readonly PosixSignalRegistration[] _registrations;
    private volatile CancellationTokenSource? _running;

    /// <param name="beforeExit">Puts the terminal back in order.</param>
    public Interrupts(Action beforeExit)
    {
        _beforeExit = beforeExit;
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
        ];
    }

    /// <summary>Something is running from now on: the next signal cancels the token.</summary>
    public CancellationToken Begin()
    {
        var running = new CancellationTokenSource();
        _running = running;
        return running.Token;
    }

    /// <summary>Nothing is running from now on.</summary>
    public void End() => _running = null;

    public void Dispose() => Array.ForEach(_registrations, registration => registration.Dispose());

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        if (_running is { IsCancellationRequested: false } running)
        {
            running.Cancel();
            return;
        }

        _beforeExit();
        Environment.Exit(ExitCodes.Interrupted);
    }
}
