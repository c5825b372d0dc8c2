namespace Crescent;

/// <summary>What one engine step computes: tokens, where their KV goes, and which rows the caller wants logits of.</summary>
public class Batch
{
    private readonly List<int> _tokens = [];
    private readonly List<int> _outputRows = [];

    /// <summary>[rows]: the input token of every row.</summary>
    public ReadOnlySpan<int> Tokens => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_tokens);

    public AttentionBatch Attention { get; } = new();

    /// <summary>Rows whose logits are wanted, ascending.</summary>
    public ReadOnlySpan<int> OutputRows => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_outputRows);

    public int Rows => _tokens.Count;

    public virtual void Clear()
    {
        _tokens.Clear();
        _outputRows.Clear();
        Attention.Clear();
    }

    /// <summary>Appends consecutive positions of one sequence.</summary>
    /// <param name="tokens">The tokens at those positions; at least one.</param>
    /// <param name="firstPosition">Position of the first.</param>
    /// <param name="blocks">The sequence's block table, covering all of them.</param>
    /// <param name="outputs">Logits of so many of the last rows are wanted.</param>
    public void Add(ReadOnlySpan<int> tokens, int firstPosition, ReadOnlyMemory<BlockId> blocks, int outputs)
    {
        _tokens.AddRange(tokens);
        Attention.Add(tokens.Length, firstPosition, blocks);
        for (int row = Rows - outputs; row < Rows; row++)
        {
            _outputRows.Add(row);
        }
    }
}
