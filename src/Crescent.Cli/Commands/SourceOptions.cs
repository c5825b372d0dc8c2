using System.CommandLine;
using Crescent.Cli.Answers;
using Crescent.Cli.Output;
using Crescent.Gateway;
using Crescent.Scheduling;
using Crescent.Worker;

namespace Crescent.Cli.Commands;

/// <summary>Whom to ask: a model in this process, or a server.</summary>
internal sealed class SourceOptions
{
    public const string ApiKeyVariable = "CRESCENT_API_KEY";

    private readonly EngineOptions _engine = new();

    private readonly Option<Uri?> _url = Values.Url("--url", "Ask this server in place of a model in this process.");

    private readonly Option<string?> _name = new("--name")
    {
        HelpName = "NAME",
        Description = "With --url, the model to ask for. [default: the first one served]",
    };

    private readonly Option<string?> _apiKey = ApiKeyOption();

    public void AddTo(Command command)
    {
        foreach (var option in (IReadOnlyList<Option>)[.. _engine.All, _url, _name, _apiKey])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(result =>
        {
            bool remote = result.GetResult(_url) is { Implicit: false };
            IReadOnlyList<Option> others = remote ? _engine.All : [_name, _apiKey];
            foreach (var option in others.Where(o => result.GetResult(o) is { Implicit: false }))
            {
                result.AddError(remote ? $"{option.Name} is for a model in this process and cannot go with --url" : $"{option.Name} needs --url");
            }
        });
    }

    public static Option<string?> ApiKeyOption() => new("--api-key")
    {
        HelpName = "KEY",
        Description = $"The server's API key. [default: {ApiKeyVariable}]",
    };

    public static string? ReadApiKey(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) ?? (Environment.GetEnvironmentVariable(ApiKeyVariable) is { Length: > 0 } key ? key : null);

    /// <summary>For one person, who asks one thing at a time.</summary>
    /// <exception cref="CliException">There is no such model, or nobody answers.</exception>
    public Task<IAnswerSource> OpenAsync(ParseResult parsed, Terminal terminal, CancellationToken cancellationToken) =>
        OpenAsync(parsed, terminal, new SchedulerOptions { MaxSequences = 1 }, new GatewayOptions(), cancellationToken);

    /// <param name="scheduler">Of a model in this process.</param>
    /// <param name="gateway">Its limits.</param>
    /// <exception cref="CliException">There is no such model, or nobody answers.</exception>
    public async Task<IAnswerSource> OpenAsync(
        ParseResult parsed, Terminal terminal, SchedulerOptions scheduler, GatewayOptions gateway, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_url) is { } url)
        {
            var client = new NodeClient(url, ReadApiKey(parsed, _apiKey));
            return await RemoteSource.ConnectAsync(client, parsed.GetValue(_name), cancellationToken);
        }

        var options = _engine.Read(parsed) with { Worker = new WorkerOptions { Scheduler = scheduler }, Gateway = gateway };
        return await terminal.WorkAsync(
            $"Loading {options.ModelPath}",
            _ => Task.Run(() => LocalSource.Open(options, Logging.CreateFactory()), CancellationToken.None).WaitAsync(cancellationToken));
    }
}
