using System.Text;
using Spectre.Console;

namespace Crescent.Cli.Output;

/// <summary>
/// Where commands write: results go to standard output, and everything that only informs goes to standard error, with
/// colours and moving parts only where a terminal shows them.
/// </summary>
internal sealed class Terminal
{
    private const string ShowCursor = "\e[?25h";

    /// <summary>Where no terminal sets a width, lines are not wrapped.</summary>
    private const int Unwrapped = 10_000;

    /// <summary>Standard output, for tables and colours.</summary>
    public IAnsiConsole Screen { get; } = Create(Console.Out, Console.IsOutputRedirected);

    /// <summary>Standard error.</summary>
    public IAnsiConsole Notes { get; } = Create(Console.Error, Console.IsErrorRedirected);

    public bool InputIsTerminal => !Console.IsInputRedirected;

    public bool OutputIsTerminal => !Console.IsOutputRedirected;

    private static bool NotesAreSeen => !Console.IsErrorRedirected;

    /// <summary>A piece of a model's text, as it is; on a terminal without control characters, which could redraw it.</summary>
    public void WriteText(string text) => Console.Out.Write(OutputIsTerminal ? Printable(text) : text);

    /// <summary>A line that is never wrapped or coloured, so that it can be copied.</summary>
    public void WriteLine(string line = "") => Console.Out.WriteLine(line);

    /// <summary>A dim line on standard error.</summary>
    public void Note(string line) => Notes.Write(new Text(line + Environment.NewLine, new Style(decoration: Decoration.Dim)));

    /// <summary>One line on standard error.</summary>
    public void Error(string message)
    {
        string line = string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Notes.Write(new Text("error: ", new Style(Color.Red)));
        Console.Error.WriteLine(Printable(line));
    }

    /// <summary>Runs <paramref name="work"/>; a terminal shows what it is doing meanwhile.</summary>
    /// <param name="title">What is being done; <paramref name="work"/> may replace it by calling its argument.</param>
    public Task<T> WorkAsync<T>(string title, Func<Action<string>, Task<T>> work) => NotesAreSeen
        ? Notes.Status()
            .Spinner(Spinner.Known.Dots)
            .SpinnerStyle(new Style(Color.Yellow))
            .StartAsync(Markup.Escape(title), status => work(text => status.Status = Markup.Escape(text)))
        : work(static _ => { });

    /// <summary>Undoes what a moving part that was cut off has done to the terminal.</summary>
    public static void Restore()
    {
        if (NotesAreSeen)
        {
            Console.Error.WriteLine(ShowCursor);
        }
    }

    private static IAnsiConsole Create(TextWriter writer, bool redirected)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = redirected ? AnsiSupport.No : AnsiSupport.Detect,
            ColorSystem = redirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = redirected ? Unwrapped : console.Profile.Width;
        return console;
    }

    private static string Printable(string text)
    {
        if (!text.Any(IsHidden))
        {
            return text;
        }

        var printable = new StringBuilder(text);
        for (int i = 0; i < printable.Length; i++)
        {
            if (IsHidden(printable[i]))
            {
                printable[i] = '\uFFFD';
            }
        }

        return printable.ToString();
    }

    private static bool IsHidden(char c) => char.IsControl(c) && c is not ('\n' or '\t');
}
