using System.CommandLine;
using System.CommandLine.Invocation;
using Crescent.Cli.Commands;
using Crescent.Cli.Output;

namespace Crescent.Cli;

internal static class Program
{
    public static async Task<int> Main(string[] args)
    {
        var terminal = new Terminal();
        var root = new RootCommand("Crescent serves large language models.")
        {
            new ServeCommand(terminal),
            new GenerateCommand(terminal),
            new ChatCommand(terminal),
            new StatusCommand(terminal),
            new EvalCommand(terminal),
        };

        // Without the replacer a prompt may begin with '@'.
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args, new ParserConfiguration { ResponseFileTokenReplacer = null, EnablePosixBundling = false });
        if (parsed.Action is ParseErrorAction)
        {
            string command = parsed.CommandResult.Command == root ? "crescent" : $"crescent {parsed.CommandResult.Command.Name}";
            string problem = parsed.UnmatchedTokens.Count > 0 ? $"unknown command or argument '{parsed.UnmatchedTokens[0]}'" : parsed.Errors[0].Message;
            terminal.Error($"{problem.TrimEnd('.')}; see '{command} --help'");
            return ExitCodes.Usage;
        }

        try
        {
            // Ctrl-C and SIGTERM belong to the commands.
            return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception e) when (CliException.From(e) is { } failure)
        {
            terminal.Error(failure.Message);
            return failure.ExitCode;
        }
    }
}
