namespace Crescent.Evaluation.Tasks;

/// <summary>Which document: the same five make the same document for the same material and tokenizer.</summary>
/// <param name="Length">Tokens of the longest prompt with its answer.</param>
/// <param name="Document">Its index among those of the task and length.</param>
/// <param name="Questions">How many are asked about it.</param>
public sealed record DocumentRequest(ulong Seed, string Task, int Length, int Document, int Questions);

/// <summary>The recall tasks, after RULER's kinds.</summary>
public static class RecallTasks
{
    private static readonly (string Name, Func<PlanContext, DocumentPlan> Plan)[] All =
    [
        ("passkey", KeyTasks.Passkey),
        ("key", KeyTasks.Key),
        ("multi-key", KeyTasks.MultiKey),
        ("multi-value", KeyTasks.MultiValue),
        ("multi-query", KeyTasks.MultiQuery),
        ("variables", VariablesTask.Plan),
        ("facts", FactsTask.Plan),
    ];

    public static IReadOnlyList<string> Names { get; } = [.. All.Select(task => task.Name)];

    /// <summary>Makes a document and its questions.</summary>
    /// <exception cref="EvaluationException">Its needles are longer than it, or words run out.</exception>
    public static RecallDocument Make(RecallMaterial material, DocumentRequest request, CountTokens count) =>
        Sizing.Fit(Plan(material, request), request.Length, count);

    /// <summary>
    /// Two prompts like those of the document, one without filler and one with half as many bytes of it as the length has
    /// tokens, which show how many tokens filler takes where only a server can count.
    /// </summary>
    public static (RecallPrompt Bare, RecallPrompt Filled) Samples(RecallMaterial material, DocumentRequest request) =>
        Sizing.Samples(Plan(material, request), request.Length / 2);

    internal static DocumentPlan Plan(RecallMaterial material, DocumentRequest request)
    {
        // Documents of one task and length take different paragraphs, until all are taken.
        string name = $"{request.Seed}/{request.Task}/{request.Length}";
        var starts = new Draws(name).Shuffle(material.Book.Paragraphs);
        var book = material.Book.From(starts[request.Document % starts.Length]);
        var context = new PlanContext(material, new Draws($"{name}/{request.Document}"), book, request.Questions);
        return All.Single(task => task.Name == request.Task).Plan(context);
    }
}
