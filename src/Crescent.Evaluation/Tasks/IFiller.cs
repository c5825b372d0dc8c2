namespace Crescent.Evaluation.Tasks;

/// <summary>The text that needles are hidden in.</summary>
internal interface IFiller
{
    /// <summary>The most units there are.</summary>
    int MaxSize { get; }

    /// <summary>
    /// The first <paramref name="size"/> units with the needles among them in their order and evenly spread: needle i of
    /// n at the place nearest to (i + ½) / n.
    /// </summary>
    PlacedText Place(IReadOnlyList<string> needles, int size);
}

/// <param name="Offsets">Where each needle begins, in characters.</param>
internal sealed record PlacedText(string Text, IReadOnlyList<int> Offsets);
