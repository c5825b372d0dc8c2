using System.CommandLine;
using System.Globalization;
using Crescent.Cli.Answers;
using Crescent.Cli.Output;
using Crescent.Evaluation.Measures;
using Crescent.Evaluation.Reports;
using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tasks;
using Crescent.Gateway;
using Crescent.Scheduling;

namespace Crescent.Cli.Commands;

/// <summary><c>crescent eval</c>: how well a model finds what a long prompt says.</summary>
internal sealed class EvalCommand : Command
{
    private const string AllTasks = "all";
    private const string Book = "models/texts/persuasion.txt";
    private const int DefaultLength = 4096;
    private const int MinLength = 128;
    private const int MaxLength = 1 << 24;
    private const int DefaultCases = 200;
    private const int MaxCases = 100_000;
    private const int MaxConcurrency = 64;

    private static readonly RecallSettings Defaults = new() { Tasks = [], Lengths = [] };
    private static readonly TimeSpan MaxRequestTime = TimeSpan.FromDays(1);

    private readonly Terminal _terminal;
    private readonly SourceOptions _source = new();

    private readonly Option<string[]?> _tasks = Values.List(
        "--task",
        "NAMES",
        $"What to ask, with commas between: {string.Join(", ", RecallTasks.Names)}, or {AllTasks}; or what to measure of a model in this process: {string.Join(", ", MeasureTasks.Names)}. [default: {AllTasks}]",
        name => name == AllTasks ? [.. RecallTasks.Names] : RecallTasks.Names.Concat(MeasureTasks.Names).Where(task => task == name).ToArray(),
        $"{string.Join(", ", RecallTasks.Names.Concat(MeasureTasks.Names))} or {AllTasks}");

    private readonly Option<int[]?> _lengths = Values.List(
        "--length",
        "TOKENS",
        "Lengths of prompt and answer together, such as 4k,16k. Behind a URL they are estimated, to a few percent, from what the server says two shorter prompts took. [default: 4k]",
        ParseLength,
        $"numbers of tokens such as 4096 or 4k, from {MinLength} to {MaxLength}");

    private readonly Option<int?> _documents = Values.Number(
        "--documents", "N", $"Documents per task and length. [default: {Defaults.Documents}]", 1, MaxCases);

    private readonly Option<int?> _cases = Values.Number(
        "--cases", "N", $"Questions per task and length, as many over each document. [default: {DefaultCases}]", 1, MaxCases);

    private readonly Option<ulong?> _seed = Values.Number(
        "--seed", "N", $"The same seed makes the same documents and questions. [default: {Defaults.Seed}]", 0ul, ulong.MaxValue);

    private readonly Option<string?> _kvPolicy = Values.Choice(
        "--kv-policy", $"Which keys are attended. [default: {KvPolicies.Dense}]", KvPolicies.Dense);

    private readonly Option<int?> _concurrency = Values.Number(
        "--concurrency", "N", $"Questions over one document at once. [default: {Defaults.Concurrency}]", 1, MaxConcurrency);

    private readonly Option<string?> _text = new("--text")
    {
        HelpName = "FILE",
        Description = $"The text that facts are hidden in, unseen in training, with blank lines between paragraphs. [default: {Book}]",
    };

    private readonly Option<string?> _out = new("--out")
    {
        HelpName = "DIR",
        Description = "Keep answers here, document by document, resume from them, and write results.json, results.md and heat maps.",
    };

    private readonly Option<bool> _json = new("--json") { Description = "Print one JSON object, with every answer." };

    public EvalCommand(Terminal terminal)
        : base("eval", "Measure how well a model recalls what long prompts say, in this process or a server's.")
    {
        _terminal = terminal;
        foreach (var option in (IReadOnlyList<Option>)[_tasks, _lengths, _documents, _cases, _seed, _kvPolicy, _concurrency, _text, _out])
        {
            Options.Add(option);
        }

        _source.AddTo(this);
        Options.Add(_json);
        SetAction((parsed, _) => RunAsync(parsed));
    }

    private async Task<int> RunAsync(ParseResult parsed)
    {
        using var interrupts = new Interrupts(Terminal.Restore);
        var interrupted = interrupts.Begin();
        var settings = ReadSettings(parsed);
        string text = await File.ReadAllTextAsync(TextPath(parsed), interrupted);
        await using var source = await OpenAsync(parsed, settings, interrupted);
        var outputs = new List<string>();
        if (settings.Tasks.Count > 0)
        {
            outputs.Add(await AskAsync(parsed, source, text, settings, interrupted));
        }

        if (Chosen(parsed, MeasureTasks.Names) is { Count: > 0 } measures)
        {
            outputs.Add(await MeasureAsync(parsed, source, text, measures, settings.Lengths, interrupted));
        }

        foreach (string output in outputs)
        {
            _terminal.WriteLine(output);
        }

        return ExitCodes.Ok;
    }

    /// <returns>What is printed of it.</returns>
    private async Task<string> AskAsync(
        ParseResult parsed, IAnswerSource source, string text, RecallSettings settings, CancellationToken cancellationToken)
    {
        string? folder = parsed.GetValue(_out);
        using var store = ResultStore.OpenAnswers(folder);
        ISubject subject = source switch
        {
            LocalSource local => await LocalSubject.OpenAsync(local, cancellationToken),
            RemoteSource remote => await RemoteSubject.OpenAsync(remote, cancellationToken),
            _ => throw new InvalidOperationException($"No such source: {source.GetType()}."),
        };

        var run = new RecallRun(subject, RecallMaterial.Create(text), settings, store, _terminal.Note);
        await run.RunAsync(cancellationToken);
        var report = new RecallReport(subject.Model, run.Suite, store.Results);
        if (folder is not null)
        {
            report.WriteTo(folder);
        }

        return parsed.GetValue(_json) ? report.ToJson() : report.ToMarkdown().TrimEnd();
    }

    /// <returns>What is printed of it.</returns>
    /// <exception cref="CliException">The model is not in this process.</exception>
    private async Task<string> MeasureAsync(
        ParseResult parsed, IAnswerSource source, string text, IReadOnlyList<string> tasks, IReadOnlyList<int> lengths, CancellationToken cancellationToken)
    {
        if (source is not LocalSource local)
        {
            throw new CliException($"{string.Join(", ", tasks)}: only of a model in this process, not of one behind --url", ExitCodes.Usage);
        }

        string? folder = parsed.GetValue(_out);
        using var store = ResultStore.OpenMeasures(folder);
        var settings = new MeasureSettings(tasks, [.. lengths.Order()], new MeasuredSetup(local.KvType));
        var run = new MeasureRun(await local.FingerprintAsync(cancellationToken), RecallMaterial.Create(text).Hash, settings, store, _terminal.Note);
        await Task.Run(() => local.Measure(text, run, cancellationToken), CancellationToken.None);
        if (folder is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, "measures.md"), MeasureReport.ToMarkdown(local.Model, run.Known), cancellationToken);
        }

        return parsed.GetValue(_json) ? MeasureReport.ToJson(run.Results) : MeasureReport.ToMarkdown(local.Model, run.Results).TrimEnd();
    }

    /// <summary>A model in this process runs as many requests as are asked at once, however long they are.</summary>
    private Task<IAnswerSource> OpenAsync(ParseResult parsed, RecallSettings settings, CancellationToken cancellationToken) => _source.OpenAsync(
        parsed,
        _terminal,
        new SchedulerOptions { MaxSequences = settings.Concurrency },
        new GatewayOptions { MaxPromptTokens = (long)settings.Concurrency * settings.Lengths.Max(), MaxRequestTime = MaxRequestTime },
        cancellationToken);

    private RecallSettings ReadSettings(ParseResult parsed)
    {
        int documents = parsed.GetValue(_documents) ?? Defaults.Documents;
        int cases = parsed.GetValue(_cases) ?? DefaultCases;
        if (cases % documents != 0)
        {
            throw new CliException($"--cases ({cases}) must be a multiple of --documents ({documents})", ExitCodes.Usage);
        }

        return new RecallSettings
        {
            Tasks = Chosen(parsed, RecallTasks.Names),
            Lengths = Given(parsed, _lengths, [DefaultLength]),
            Documents = documents,
            Questions = cases / documents,
            Seed = parsed.GetValue(_seed) ?? Defaults.Seed,
            Concurrency = parsed.GetValue(_concurrency) ?? Defaults.Concurrency,
            KvPolicy = parsed.GetValue(_kvPolicy) ?? KvPolicies.Dense,
        };
    }

    /// <summary>Of these tasks the ones that are to be done.</summary>
    private List<string> Chosen(ParseResult parsed, IReadOnlyList<string> tasks) => [.. Given(parsed, _tasks, [.. RecallTasks.Names]).Where(tasks.Contains)];

    /// <summary>A list that is not given is empty.</summary>
    private static T[] Given<T>(ParseResult parsed, Option<T[]?> option, T[] otherwise) => parsed.GetValue(option) is { Length: > 0 } given ? given : otherwise;

    private string TextPath(ParseResult parsed) =>
        parsed.GetValue(_text) ?? RepositoryFiles.Find(Book) ?? throw new CliException($"no text: name one with --text FILE ({Book} is not here)", ExitCodes.Usage);

    /// <summary>A number, or thousands (1,024) with k behind them.</summary>
    private static int[] ParseLength(string text)
    {
        bool thousands = text.EndsWith('k') || text.EndsWith('K');
        return int.TryParse(thousands ? text[..^1] : text, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number * (thousands ? 1024L : 1) is >= MinLength and <= MaxLength and var length ? [(int)length] : [];
    }
}
