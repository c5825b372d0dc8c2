using Crescent.Bench.Cases;
using Crescent.Bench.Os;
using Crescent.Bench.Reporting;

namespace Crescent.Bench.Running;

/// <summary>Measures cases one after the other; what is measured is on disk before the next begins.</summary>
/// <param name="force">Measures on a busy machine too, and marks such rows.</param>
/// <param name="quick">One round of everything.</param>
/// <param name="unfinished">What an earlier run has measured.</param>
internal sealed class Runner(BenchContext context, Report report, string commit, bool force, bool quick, Unfinished unfinished)
{
    /// <summary>Of all processors; a quarter of one of two is far beyond what timers and the kernel need.</summary>
    private const double BusyShare = 0.06;
    private const int Tries = 4;
    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan IdleWait = TimeSpan.FromMinutes(1);

    private readonly HashSet<ModelName> _agreed = [];

    /// <returns>How many could not be measured.</returns>
    /// <exception cref="BusyException">Other processes are, and went on.</exception>
    public async Task<int> RunAsync(IReadOnlyList<BenchCase> cases)
    {
        int failed = 0;
        for (int i = 0; i < cases.Count; i++)
        {
            if (unfinished.Measured(cases[i].Id))
            {
                context.Say($"[{i + 1}/{cases.Count}] {cases[i].Id}: measured before at this commit");
                continue;
            }

            try
            {
                await WaitForIdleAsync();
                await AgreeAsync(cases[i].Model);
                var row = await MeasureAsync(cases[i]);
                report.Add(row);
                unfinished.Add(row.Id);
                context.Say($"[{i + 1}/{cases.Count}] {Markdown.Line(row)}");
            }
            catch (BenchException e) when (e is not BusyException)
            {
                failed++;
                context.Say($"[{i + 1}/{cases.Count}] {cases[i].Id}: not measured: {e.Message}");
            }
        }

        return failed;
    }

    private async Task AgreeAsync(ModelName? model)
    {
        if (model is not { } name || !_agreed.Add(name))
        {
            return;
        }

        try
        {
            report.Agreed(name.ToString(), await Agreement.CheckAsync(context, name));
        }
        catch
        {
            _agreed.Remove(name);
            throw;
        }
    }

    private async Task<ResultRow> MeasureAsync(BenchCase work)
    {
        var subject = new List<double>();
        var reference = new List<double>();
        double load = CpuUse.LoadAverage(), others = 0;
        for (int round = 0; round < (quick ? 1 : work.Rounds); round++)
        {
            others = Math.Max(others, await RoundAsync(work, subject, reference));
        }

        return new ResultRow
        {
            Id = work.Id,
            Group = work.Group,
            Configuration = work.Configuration,
            Unit = work.Unit,
            SubjectName = work.SubjectName,
            ReferenceName = work.ReferenceName,
            Subject = subject.Count > 0 ? new Samples(subject) : null,
            Reference = reference.Count > 0 ? new Samples(reference) : null,
            Target = work.Target,
            Commit = commit,
            Date = DateTimeOffset.UtcNow,
            LoadAverage = load,
            OthersShare = Math.Round(others, 3),
            Busy = others > BusyShare,
        };
    }

    /// <summary>Both sides once, one after the other; again when another process disturbed them.</summary>
    /// <returns>What other processes had of the processors.</returns>
    private async Task<double> RoundAsync(BenchCase work, List<double> subject, List<double> reference)
    {
        for (int attempt = 1; ; attempt++)
        {
            var use = new CpuUse();
            double[] theirs = work.Reference is null ? [] : await work.Reference(context);
            double[] ours = work.Subject is null ? [] : await work.Subject(context);
            double others = use.OthersShare();
            if (others <= BusyShare || force)
            {
                reference.AddRange(theirs);
                subject.AddRange(ours);
                return others;
            }

            if (attempt == Tries)
            {
                throw Busy(others);
            }

            context.Say($"    disturbed by other processes ({others:P0} of the processors); again");
            await WaitForIdleAsync();
        }
    }

    private async Task WaitForIdleAsync()
    {
        double others = 0;
        for (long end = Environment.TickCount64 + (long)IdleWait.TotalMilliseconds; Environment.TickCount64 < end && !force;)
        {
            var use = new CpuUse();
            await Task.Delay(Watched);
            others = use.OthersShare();
            if (others <= BusyShare)
            {
                return;
            }
        }

        if (!force)
        {
            throw Busy(others);
        }
    }

    private static BusyException Busy(double others) => new(
        $"the machine is busy: other processes use {others:P0} of its {CpuUse.Processors} processors (--force measures all the same and says so)");
}
