using System.Globalization;
using System.Text.Json;
using Crescent.Server;
using Spectre.Console;

namespace Crescent.Cli.Output;

/// <summary>What a person, or a script, is told about a node that is ready.</summary>
internal sealed class NodeReport(NodeServer node, LoadedModel loaded, NodeOptions options)
{
    private static readonly JsonSerializerOptions JsonOptions = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private readonly WorkerStatus _worker = loaded.Worker.GetStatus();

    private string Http => node.HttpAddress.GetLeftPart(UriPartial.Authority);

    private string Grpc => node.GrpcAddress.Authority;

    public void Print(Terminal terminal, bool json)
    {
        if (json)
        {
            terminal.WriteLine(ToJson());
            return;
        }

        var config = loaded.Config;
        var grid = new Grid();
        grid.AddColumn(new GridColumn().PadLeft(2).PadRight(3).NoWrap());
        grid.AddColumn(new GridColumn().PadRight(0));
        Row("model", $"[bold]{Markup.Escape(loaded.Model.Id)}[/]  [dim]{Markup.Escape(options.ModelPath)}[/]");
        Row("architecture", Invariant($"{config.Architecture}, {config.Layers} layers of width {config.HiddenSize}, {config.Heads} heads ({config.KvHeads} for KV)"));
        Row("context", Invariant($"{loaded.Model.ContextLength:N0} tokens"));
        Row("memory", Invariant($"{ByteSize.Format(_worker.WeightBytes)} of weights, {ByteSize.Format(_worker.KvBytes)} of KV ({_worker.TotalBlocks:N0} blocks of {_worker.BlockSize} tokens)"));
        Row("numerics", Markup.Escape(_worker.NumericsId));
        Row("HTTP", Http);
        Row("gRPC", $"{Grpc}  [dim]HTTP/2 without TLS[/]");
        terminal.Screen.WriteLine();
        terminal.Screen.Write(grid);
        terminal.Screen.WriteLine();
        terminal.Screen.MarkupLine("  [dim]Try it from another terminal:[/]");
        terminal.WriteLine(Curl());
        terminal.Screen.WriteLine();

        void Row(string name, string value) => grid.AddRow($"[yellow]{name}[/]", value);
    }

    public void PrintInvitation(Terminal terminal)
    {
        terminal.Screen.WriteLine();
        terminal.Screen.MarkupLine($"[green]Serving {Markup.Escape(loaded.Model.Id)}[/] on {Http} until Ctrl-C.");
    }

    private string Curl()
    {
        bool chat = loaded.Model.ChatTemplate is not null;
        string ask = chat ? """ "messages":[{"role":"user","content":"Hello!"}] """.Trim() : """ "prompt":"In the beginning" """.Trim();
        string key = options.Gateway.ApiKeys.Count > 0 ? " -H 'Authorization: Bearer KEY'" : "";
        string model = JsonSerializer.Serialize(loaded.Model.Id);
        return $$"""curl -N {{Http}}/v1/{{(chat ? "chat/" : "")}}completions{{key}} -H 'Content-Type: application/json' -d '{"model":{{model}},{{ask}},"max_tokens":64,"stream":true}'""";
    }

    private string ToJson() => JsonSerializer.Serialize(
        new
        {
            Model = loaded.Model.Id,
            Path = options.ModelPath,
            loaded.Config.Architecture,
            loaded.Model.ContextLength,
            _worker.WeightBytes,
            _worker.KvBytes,
            _worker.TotalBlocks,
            _worker.BlockSize,
            _worker.NumericsId,
            Http,
            Grpc,
        },
        JsonOptions);

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
