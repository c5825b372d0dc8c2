using System.CommandLine;
using Crescent.Cli.Answers;
using Crescent.Cli.Output;
using Crescent.Gateway.Generation;
using Spectre.Console;

namespace Crescent.Cli.Commands;

/// <summary><c>crescent chat</c>: a conversation, line by line.</summary>
internal sealed class ChatCommand : Command
{
    private readonly Terminal _terminal;
    private readonly SourceOptions _source = new();
    private readonly SamplingOptions _sampling = new();
    private readonly Option<string?> _system = new("--system") { HelpName = "TEXT", Description = "What the model is told before the conversation." };
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object per answer." };

    public ChatCommand(Terminal terminal)
        : base("chat", "Talk with a model in this process or a server's, a line at a time.")
    {
        _terminal = terminal;
        Options.Add(_system);
        _sampling.AddTo(this);
        _source.AddTo(this);
        Options.Add(_json);
        SetAction((parsed, _) => RunAsync(parsed));
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        using var interrupts = new Interrupts(Terminal.Restore);
        await using var source = await _source.OpenAsync(parsed, _terminal, interrupts.Begin());
        interrupts.End();
        RequireTemplate(source);
        var conversation = new Conversation(parsed.GetValue(_system));
        var printer = new AnswerPrinter(_terminal, parsed.GetValue(_json));
        if (_terminal.InputIsTerminal)
        {
            _terminal.Note($"{source.Model}. Ctrl-C stops an answer, /reset forgets the conversation, /exit leaves.");
        }

        while (ReadLine() is { } line and not "/exit")
        {
            if (line == "/reset")
            {
                conversation.Reset();
            }
            else if (line.Length > 0)
            {
                await AnswerAsync(line);
            }
        }

        return ExitCodes.Ok;

        async Task AnswerAsync(string line)
        {
            conversation.Ask(line);
            try
            {
                var request = _sampling.Read(parsed, conversation.ToPrompt());
                var answer = await printer.PrintAsync(source, request, interrupts.Begin());
                conversation.Answer(answer.Text);
            }
            catch (Exception e) when (_terminal.InputIsTerminal && CliException.From(e) is { } failure)
            {
                conversation.TakeBack();
                _terminal.Error(failure.Message);
            }
            finally
            {
                interrupts.End();
            }
        }
    }

    private string? ReadLine()
    {
        if (_terminal.InputIsTerminal)
        {
            _terminal.Notes.Markup("[yellow]>[/] ");
        }

        return Console.In.ReadLine()?.Trim();
    }

    /// <summary>A model in this process tells at once whether it can chat; a server tells with its first answer.</summary>
    private static void RequireTemplate(IAnswerSource source)
    {
        if (source is LocalSource { HasChatTemplate: false })
        {
            throw new CliException($"the model '{source.Model}' has no chat template (ChatML or Llama 3); 'crescent generate' continues plain text");
        }
    }

    /// <summary>The turns so far.</summary>
    private sealed class Conversation(string? system)
    {
        private readonly List<ChatMessage> _turns = system is null ? [] : [new ChatMessage("system", system)];

        public Prompt.Messages ToPrompt() => new([.. _turns]);

        public void Ask(string text) => _turns.Add(new ChatMessage("user", text));

        public void Answer(string text) => _turns.Add(new ChatMessage("assistant", text));

        /// <summary>Forgets the question that got no answer.</summary>
        public void TakeBack() => _turns.RemoveAt(_turns.Count - 1);

        public void Reset() => _turns.RemoveAll(turn => turn.Role != "system");
    }
}
