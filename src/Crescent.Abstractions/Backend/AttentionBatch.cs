namespace Crescent;

/// <summary>A run of consecutive rows of a batch that belong to one sequence.</summary>
/// <param name="FirstRow">Row of the batch where the run starts.</param>
/// <param name="Rows">Length of the run; at least 1.</param>
/// <param name="FirstPosition">The sequence position of the first row; the others follow.</param>
/// <param name="Blocks">
/// The sequence's block table: position p is in <c>Blocks[p / blockSize]</c>. Covers every position of the run.
/// </param>
public readonly record struct BatchSegment(int FirstRow, int Rows, int FirstPosition, ReadOnlyMemory<BlockId> Blocks);

/// <summary>
/// Which rows of a step belong to which sequence, and where their KV lies. Filled by the decoder before a step and
/// unchanged until the step's fence.
/// </summary>
public sealed class AttentionBatch
{
    private readonly List<BatchSegment> _segments = [];

    public IReadOnlyList<BatchSegment> Segments => _segments;

    /// <summary>Rows over all segments.</summary>
    public int Rows { get; private set; }

    public void Clear()
    {
        _segments.Clear();
        Rows = 0;
    }

    /// <summary>Appends a run of rows behind those already here.</summary>
    public void Add(int rows, int firstPosition, ReadOnlyMemory<BlockId> blocks)
    {
        _segments.Add(new BatchSegment(Rows, rows, firstPosition, blocks));
        Rows += rows;
    }
}
