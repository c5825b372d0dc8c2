using System.Net.Sockets;
using Crescent.Evaluation;
using Crescent.Models.Weights;

namespace Crescent.Cli;

/// <summary>What a command ends with.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    public const int Failure = 1;

    /// <summary>The command line is wrong.</summary>
    public const int Usage = 2;

    /// <summary>Ctrl-C, as shells count it.</summary>
    public const int Interrupted = 130;
}

/// <summary>An expected failure of a command: one line for the person at the terminal.</summary>
internal sealed class CliException(string message, int exitCode = ExitCodes.Failure) : Exception(message)
{
    public int ExitCode { get; } = exitCode;

    /// <summary>The expected failure that an exception stands for; null: it is a bug.</summary>
    public static CliException? From(Exception exception) => exception switch
    {
        CliException e => e,
        RequestException or EvaluationException or ModelFormatException or IOException or UnauthorizedAccessException or SocketException or HttpRequestException =>
            new CliException(exception.Message),
        OutOfMemoryException => new CliException("there is not enough memory; a smaller --device-cache may fit"),
        OperationCanceledException => new CliException("interrupted", ExitCodes.Interrupted),
        _ => null,
    };
}
