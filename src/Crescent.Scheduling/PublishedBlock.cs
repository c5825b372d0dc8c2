namespace Crescent.Scheduling;

/// <summary>A block that a sequence has computed and that answers for its hash now.</summary>
/// <param name="Index">In the sequence's chain.</param>
/// <param name="Block">Where it lies, until something else is computed.</param>
public readonly record struct PublishedBlock(Sequence Sequence, int Index, BlockId Block);
