namespace Crescent.Evaluation.Tasks;

/// <summary>What a document hides and what is asked about it, before it has a length.</summary>
/// <param name="Needles">In the order of their depth.</param>
internal sealed record DocumentPlan(IFiller Filler, IReadOnlyList<string> Needles, IReadOnlyList<PlannedQuestion> Questions);

/// <param name="Expected">Every one must be in the answer.</param>
/// <param name="Reference">A right answer, whole: its length bounds the model's.</param>
/// <param name="Needle">The index of the one that decides the depth.</param>
internal sealed record PlannedQuestion(string Text, IReadOnlyList<string> Expected, string Reference, int Needle);

/// <summary>What a plan is made of.</summary>
/// <param name="Book">Where this document's stretch of the book begins.</param>
/// <param name="Questions">How many to ask.</param>
internal sealed record PlanContext(RecallMaterial Material, Draws Draws, IFiller Book, int Questions)
{
    public TaskWordings Wording => Material.Wording.Tasks;
}
