using System.CommandLine;
using Crescent.Cli.Output;
using Crescent.Gateway.Generation;

namespace Crescent.Cli.Commands;

/// <summary><c>crescent generate</c>: continues a text.</summary>
internal sealed class GenerateCommand : Command
{
    private const string FromInput = "-";

    private readonly Terminal _terminal;
    private readonly Argument<string> _prompt = new("PROMPT") { Description = "The text to continue; - reads it from standard input." };
    private readonly SourceOptions _source = new();
    private readonly SamplingOptions _sampling = new();
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object when the answer is complete." };

    public GenerateCommand(Terminal terminal)
        : base("generate", "Continue a text, with a model in this process or a server's.")
    {
        _terminal = terminal;
        Arguments.Add(_prompt);
        _sampling.AddTo(this);
        _source.AddTo(this);
        Options.Add(_json);
        SetAction((parsed, _) => RunAsync(parsed));
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        using var interrupts = new Interrupts(Terminal.Restore);
        string prompt = parsed.GetRequiredValue(_prompt);
        if (prompt == FromInput)
        {
            prompt = await Console.In.ReadToEndAsync();
        }

        var interrupted = interrupts.Begin();
        await using var source = await _source.OpenAsync(parsed, _terminal, interrupted);
        var printer = new AnswerPrinter(_terminal, parsed.GetValue(_json));
        var answer = await printer.PrintAsync(source, _sampling.Read(parsed, new Prompt.Text(prompt)), interrupted);
        return answer.End.Reason == FinishReason.Cancelled ? ExitCodes.Interrupted : ExitCodes.Ok;
    }
}
