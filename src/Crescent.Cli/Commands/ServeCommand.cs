using System.CommandLine;
using System.Net.Sockets;
using Crescent.Cli.Answers;
using Crescent.Cli.Output;
using Crescent.Gateway.Generation;
using Crescent.Server;
using Microsoft.AspNetCore.Connections;
using Spectre.Console;

namespace Crescent.Cli.Commands;

/// <summary><c>crescent serve</c>: the embedded node.</summary>
internal sealed class ServeCommand : Command
{
    private const int FirstRequestTokens = 96;
    private const float FirstRequestTemperature = 0.8f;

    private readonly Terminal _terminal;
    private readonly ServeOptions _options = new();

    private readonly Option<string[]> _firstRequests = new("--first-request")
    {
        HelpName = "PROMPT",
        Description = "When ready, ask this over HTTP and print the answer; may be given several times.",
    };

    private readonly Option<FileInfo> _firstDocument = new Option<FileInfo>("--first-document")
    {
        HelpName = "FILE",
        Description = "A text that the first requests ask about, in a chat.",
    }.AcceptExistingOnly();

    private readonly Option<bool> _check = new("--check") { Description = "End when ready, and after the first request." };

    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object when ready." };

    public ServeCommand(Terminal terminal)
        : base("serve", "Serve a model on this machine over HTTP and gRPC.")
    {
        _terminal = terminal;
        _options.AddTo(this);
        Options.Add(_firstRequests);
        Options.Add(_firstDocument);
        Options.Add(_check);
        Options.Add(_json);
        SetAction((parsed, _) => RunAsync(parsed));
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        using var interrupts = new Interrupts(Terminal.Restore);
        var stopped = interrupts.Begin();
        var options = _options.Read(parsed);
        await using var node = await StartAsync(options, stopped);
        var loaded = await _terminal.WorkAsync(
            $"Loading {options.ModelPath}",
            _ => Task.Run(() => ModelLoading.Load(options.ModelPath, node.LoadModel), CancellationToken.None).WaitAsync(stopped));

        var report = new NodeReport(node, loaded, options);
        bool json = parsed.GetValue(_json);
        report.Print(_terminal, json);
        if (parsed.GetValue(_firstRequests) is { Length: > 0 } prompts)
        {
            string? document = parsed.GetValue(_firstDocument) is { } file ? await File.ReadAllTextAsync(file.FullName, stopped) : null;
            await AskAsync(node, options, prompts, document, json, stopped);
        }

        if (!parsed.GetValue(_check))
        {
            if (!json)
            {
                report.PrintInvitation(_terminal);
            }

            await Task.Delay(Timeout.InfiniteTimeSpan, stopped).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await StopAsync(node, options);
        return ExitCodes.Ok;
    }

    /// <exception cref="CliException">A port is taken or not ours to take.</exception>
    private static async Task<NodeServer> StartAsync(NodeOptions options, CancellationToken cancellationToken)
    {
        try
        {
            return await NodeServer.StartAsync(options, Logging.Configure, cancellationToken);
        }
        catch (IOException e) when (e.InnerException is AddressInUseException)
        {
            bool grpc = e.Message.Contains($":{options.GrpcPort}:", StringComparison.Ordinal);
            throw new CliException(
                $"port {(grpc ? options.GrpcPort : options.Port)} is already in use; choose another with {(grpc ? "--grpc-port" : "--port")}");
        }
        catch (SocketException e)
        {
            throw new CliException($"cannot listen on the ports {options.Port} and {options.GrpcPort}: {e.Message}");
        }
    }

    /// <summary>The prompts one after the other; over a document the first reads it all, and the later ones find it read.</summary>
    private async Task AskAsync(
        NodeServer node, NodeOptions options, string[] prompts, string? document, bool json, CancellationToken cancellationToken)
    {
        string? key = options.Gateway.ApiKeys.Count > 0 ? options.Gateway.ApiKeys[0].Key : null;
        await using var source = await RemoteSource.ConnectAsync(new NodeClient(node.HttpAddress, key), node.Loaded!.Model.Id, cancellationToken);
        if (document is not null)
        {
            await node.Loaded!.Identified.WaitAsync(cancellationToken);
        }

        foreach (string prompt in prompts)
        {
            if (!json)
            {
                _terminal.Screen.MarkupLine(document is null ? "  [dim]A first request:[/]" : "  [dim]A question about a long document:[/]");
            }

            var request = new CompletionRequest
            {
                Model = source.Model,
                Prompts = [document is null ? new Prompt.Text(prompt) : new Prompt.Messages([new ChatMessage("user", $"{document}\n\n{prompt}")])],
                MaxTokens = FirstRequestTokens,
                Sampling = new SamplingOverrides { Temperature = document is null ? FirstRequestTemperature : 0 },
                Seed = 1,
            };
            string lead = document is null ? prompt : $"{prompt}\n";
            await new AnswerPrinter(_terminal, json) { Lead = lead }.PrintAsync(source, request, cancellationToken);
        }
    }

    private async Task StopAsync(NodeServer node, NodeOptions options)
    {
        int running = node.Loaded!.Worker.GetStatus().RunningRequests;
        string title = running == 0 ? "Stopping" : $"Finishing {running} running requests, at most {options.DrainLimit.TotalSeconds:0.#} s; Ctrl-C ends them now";
        await _terminal.WorkAsync(title, async _ =>
        {
            await node.StopAsync();
            return true;
        });
    }
}
