using Crescent.Bench;
using Crescent.Bench.Cases;
using Crescent.Bench.Engine;
using Crescent.Bench.Os;
using Crescent.Bench.Reporting;
using Crescent.Bench.Running;
using Crescent.Models.Weights;

try
{
    return args is ["child", var work] ? await ChildWork.RunAsync(work) : await RunAsync(RunOptions.Parse(args));
}
catch (Exception e) when (e is BenchException or ModelFormatException or IOException or UnauthorizedAccessException or NotSupportedException or HttpRequestException)
{
    Console.Error.WriteLine($"error: {e.Message}");
    return 1;
}

static async Task<int> RunAsync(RunOptions options)
{
    var llama = Path.Combine(options.Cache, "llama.cpp");
    var all = AllCases.List();
    var chosen = all.Where(work => work.Id.Contains(options.Only, StringComparison.Ordinal) && (work.Quick || !options.Quick)).ToList();
    if (chosen.Count == 0)
    {
        throw new BenchException($"no row has '{options.Only}' in its name; there are: {string.Join(' ', all.Select(work => work.Id))}");
    }

    var folder = options.Quick ? Path.Combine(options.Repository, "artifacts", "bench", "quick") : Path.Combine(options.Repository, "tests", "bench");
    var context = new BenchContext(options.Cache, Path.Combine(llama, "bin"), options.Cli, Console.WriteLine);
    var report = new Report(folder, [.. all.Select(work => work.Id)], Machine.Describe(llama));
    var unfinished = new Unfinished(options);
    var runner = new Runner(context, report, options.Commit, options.Force, options.Quick, unfinished);
    int failed = await runner.RunAsync(chosen);
    if (failed == 0)
    {
        unfinished.Done();
    }

    Console.WriteLine($"{chosen.Count - failed} of {chosen.Count} rows measured; tables: {Path.Combine(folder, "RESULTS.md")}");
    return failed == 0 ? 0 : 1;
}
