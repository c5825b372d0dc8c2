namespace Crescent.Scheduling;

/// <summary>A sequence's part in a step.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="Rows">Positions computed, from <see cref="Sequence.Computed"/> on.</param>
/// <param name="Samples">Whether the step reaches the last token, so that the next one can be sampled.</param>
public readonly record struct ScheduledSequence(Sequence Sequence, int Rows, bool Samples);

/// <summary>
/// One step: filled by the scheduler, computed by the decoder, committed by the scheduler. Sequences that sample are
/// in the order of the batch's output rows.
/// </summary>
public sealed class ScheduledBatch : Batch
{
    private readonly List<ScheduledSequence> _sequences = [];

    public IReadOnlyList<ScheduledSequence> Sequences => _sequences;

    public override void Clear()
    {
        base.Clear();
        _sequences.Clear();
    }

    internal void Add(Sequence sequence, int rows)
    {
        bool samples = rows == sequence.Remaining;
        _sequences.Add(new ScheduledSequence(sequence, rows, samples));
        Add(sequence.Tokens.Slice(sequence.Computed, rows), sequence.Computed, sequence.Blocks.Memory, samples ? 1 : 0);
    }
}
