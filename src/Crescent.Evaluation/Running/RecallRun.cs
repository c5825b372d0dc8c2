using System.Diagnostics;
using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Running;

/// <summary>Asks a model the questions of the recall tasks, document after document.</summary>
/// <param name="store">Documents that it has are not asked about again.</param>
/// <param name="tell">Is told of the estimate and of each document, a line at a time.</param>
public sealed class RecallRun(ISubject subject, RecallMaterial material, RecallSettings settings, ResultStore<DocumentKey, DocumentResult> store, Action<string> tell)
{
    /// <summary>The longest prompt that is timed for the estimate.</summary>
    private const int ProbeLength = 8192;

    /// <summary>Documents from this index on are only timed.</summary>
    private const int ProbeDocument = int.MaxValue - 2;

    private readonly Dictionary<(string Task, int Length), CountTokens> _counters = [];

    public Suite Suite { get; } = new(subject.Identity, material.Hash, settings.Seed, settings.Questions);

    public Variant Variant { get; } = new(settings.KvPolicy, subject.KvType);

    /// <summary>
    /// Runs what the store does not have, the shorter lengths first. A task whose needles do not fit a length is left out
    /// there, and said to be.
    /// </summary>
    /// <exception cref="EvaluationException">A length is over the model's context, no task fits, or an answer broke off.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        RequireContext();
        var all = (from length in settings.Lengths.Order()
                   from task in settings.Tasks
                   from document in Enumerable.Range(0, settings.Documents)
                   select new DocumentKey(Suite, Variant, task, length, document)).ToList();
        var left = all.Where(key => !store.Contains(key)).ToList();
        if (left.Count == 0)
        {
            tell($"all {all.Count} documents are answered already");
            return;
        }

        var estimate = await EstimateAsync(left, all.Count, cancellationToken);
        var watch = Stopwatch.StartNew();
        var expected = TimeSpan.Zero;
        for (int i = 0; i < left.Count; i++)
        {
            string outcome = await RunDocumentAsync(left[i], cancellationToken);
            expected += estimate(left[i]);
            var rest = left.Skip(i + 1).Aggregate(TimeSpan.Zero, (sum, key) => sum + estimate(key));
            tell(FormattableString.Invariant(
                $"[{i + 1}/{left.Count}] {left[i].Task}, {left[i].Length:N0} tokens, document {left[i].Document + 1}: {outcome}; {TimeEstimate.Describe(rest * (watch.Elapsed / expected))} to go"));
        }

        if (!all.Exists(store.Contains))
        {
            throw new EvaluationException("none of the tasks fits any of the lengths");
        }
    }

    private void RequireContext()
    {
        int longest = settings.Lengths.Max();
        if (subject.ContextLength is { } limit && longest > limit)
        {
            throw new EvaluationException($"length {longest:N0} is over the context of '{subject.Model}', {limit:N0} tokens");
        }
    }

    /// <returns>The score, or why there is none.</returns>
    private async Task<string> RunDocumentAsync(DocumentKey key, CancellationToken cancellationToken)
    {
        var request = new DocumentRequest(settings.Seed, key.Task, key.Length, key.Document, settings.Questions);
        var count = await CounterAsync(request, cancellationToken);
        RecallDocument document;
        try
        {
            document = RecallTasks.Make(material, request, count);
        }
        catch (EvaluationException e)
        {
            return $"left out, {e.Message}";
        }

        var cases = await AskAllAsync(document, cancellationToken);
        store.Add(new DocumentResult(key, cases) { KvBytesPerToken = subject.KvBytesPerToken });
        return FormattableString.Invariant($"{100 * cases.Average(@case => @case.Score):0.0}%");
    }

    private async Task<CaseResult[]> AskAllAsync(RecallDocument document, CancellationToken cancellationToken)
    {
        var cases = new CaseResult[document.Questions.Count];

        // The first question computes the document; the others find it in the cache.
        cases[0] = await AskAsync(document, 0, cancellationToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = settings.Concurrency, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            Enumerable.Range(1, cases.Length - 1), options, async (i, stop) => cases[i] = await AskAsync(document, i, stop));
        return cases;
    }

    private async Task<CaseResult> AskAsync(RecallDocument document, int index, CancellationToken cancellationToken)
    {
        var question = document.Questions[index];
        var reply = await subject.AskAsync(new RecallPrompt(document.Text, question.Text), document.MaxTokens, cancellationToken);
        return new CaseResult
        {
            Question = index,
            Depth = Math.Round(question.Depth, 4),
            Expected = question.Expected,
            Answer = reply.Text,
            Score = Scoring.Score(reply.Text, question.Expected),
            PromptTokens = reply.PromptTokens,
            CachedTokens = reply.CachedTokens,
            CompletionTokens = reply.CompletionTokens,
            FirstTokenMs = reply.FirstToken is { } first ? Math.Round(first.TotalMilliseconds, 2) : null,
            TotalMs = Math.Round(reply.Total.TotalMilliseconds, 2),
        };
    }

    private async Task<CountTokens> CounterAsync(DocumentRequest request, CancellationToken cancellationToken)
    {
        if (!_counters.TryGetValue((request.Task, request.Length), out var count))
        {
            count = await subject.CountLikeAsync(RecallTasks.Samples(material, request), cancellationToken);
            _counters.Add((request.Task, request.Length), count);
        }

        return count;
    }

    /// <summary>Times two prompts and tells what they make of the whole.</summary>
    /// <returns>The time of one document, before it is known better.</returns>
    private async Task<Func<DocumentKey, TimeSpan>> EstimateAsync(List<DocumentKey> left, int all, CancellationToken cancellationToken)
    {
        int longer = Math.Min(ProbeLength, left.Max(key => key.Length));
        var probes = new List<(RecallDocument Document, Reply Reply)>();

        // The first only warms up.
        foreach (int length in (int[])[longer / 2, longer / 2, longer])
        {
            var request = new DocumentRequest(settings.Seed, "key", length, ProbeDocument + probes.Count, Questions: 1);
            var document = RecallTasks.Make(material, request, await CounterAsync(request, cancellationToken));
            probes.Add((document, await subject.AskAsync(new RecallPrompt(document.Text, document.Questions[0].Text), document.MaxTokens, cancellationToken)));
        }

        var (shortReply, longReply) = (probes[1].Reply, probes[2].Reply);
        var estimate = TimeEstimate.Fit(shortReply, longReply);
        TimeSpan Of(DocumentKey key) => estimate.Document(key.Length, settings.Questions, probes[2].Document.MaxTokens);
        var total = left.Aggregate(TimeSpan.Zero, (sum, key) => sum + Of(key));
        tell(FormattableString.Invariant(
            $"about {TimeEstimate.Describe(total)} for {left.Count} documents of {all} with {settings.Questions} questions each, by prompts of {shortReply.PromptTokens:N0} and {longReply.PromptTokens:N0} tokens"));
        return Of;
    }
}
