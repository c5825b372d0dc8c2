using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Crescent.Cli.Answers;
using Crescent.Cli.Output;
using Spectre.Console;

namespace Crescent.Cli.Commands;

/// <summary><c>crescent status</c>: what a server serves and how busy it is.</summary>
internal sealed class StatusCommand : Command
{
    private static readonly Uri DefaultUrl = new("http://127.0.0.1:8080/");

    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly Terminal _terminal;
    private readonly Option<Uri?> _url = Values.Url("--url", $"The server. [default: {DefaultUrl.AbsoluteUri.TrimEnd('/')}]");
    private readonly Option<string?> _apiKey = SourceOptions.ApiKeyOption();
    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object." };

    public StatusCommand(Terminal terminal)
        : base("status", "Show what a server serves and how busy it is.")
    {
        _terminal = terminal;
        Options.Add(_url);
        Options.Add(_apiKey);
        Options.Add(_json);
        SetAction((parsed, _) => RunAsync(parsed));
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        using var interrupts = new Interrupts(Terminal.Restore);
        var interrupted = interrupts.Begin();
        using var client = new NodeClient(parsed.GetValue(_url) ?? DefaultUrl, SourceOptions.ReadApiKey(parsed, _apiKey));
        var status = await NodeStatus.ReadAsync(client, interrupted);
        if (parsed.GetValue(_json))
        {
            _terminal.WriteLine(JsonSerializer.Serialize(status, JsonOptions));
        }
        else
        {
            Print(status);
        }

        return ExitCodes.Ok;
    }

    private void Print(NodeStatus status)
    {
        string colour = status.State == "ready" ? "green" : "yellow";
        _terminal.Screen.MarkupLine($"{Markup.Escape(status.Url)} is [{colour}]{Markup.Escape(status.State)}[/]");
        if (status.Models.Count == 0)
        {
            return;
        }

        var table = new Table { Border = TableBorder.Rounded };
        table.AddColumn("");
        foreach (var model in status.Models)
        {
            table.AddColumn(new TableColumn($"[bold]{Markup.Escape(model.Id)}[/]").RightAligned());
        }

        AddRow(table, status, "context", m => Count(m.ContextLength, "tokens"));
        AddRow(table, status, "running", m => Count(m.Running, "requests"));
        AddRow(table, status, "waiting", m => Count(m.Waiting, "requests"));
        AddRow(table, status, "KV in use", m => m.KvUsage is { } share ? share.ToString("P1", CultureInfo.InvariantCulture) : null);
        AddRow(table, status, "KV size", m => m.KvBlocks is { } blocks ? $"{blocks:N0} blocks of {m.BlockSize}" : null);
        table.AddEmptyRow();
        AddRow(table, status, "requests ended", m => Count(m.Requests));
        AddRow(table, status, "prompt tokens", m => Count(m.PromptTokens));
        AddRow(table, status, "of them cached", m => Count(m.CachedTokens));
        AddRow(table, status, "generated tokens", m => Count(m.GeneratedTokens));
        AddRow(table, status, "first token, mean", m => Milliseconds(m.MeanTimeToFirstToken));
        AddRow(table, status, "between tokens, mean", m => Milliseconds(m.MeanInterTokenLatency));
        _terminal.Screen.Write(table);
    }

    private static void AddRow(Table table, NodeStatus status, string label, Func<ModelStatus, string?> value) =>
        table.AddRow([Markup.Escape(label), .. status.Models.Select(model => Markup.Escape(value(model) ?? "–"))]);

    private static string? Count(double? value, string unit = "") =>
        value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{number:N0} {unit}").TrimEnd() : null;

    private static string? Milliseconds(double? seconds) =>
        seconds is { } time ? string.Create(CultureInfo.InvariantCulture, $"{time * 1000:N1} ms") : null;
}
