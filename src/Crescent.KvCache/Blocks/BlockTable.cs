namespace Crescent.KvCache.Blocks;

/// <summary>The blocks of one sequence in order: position p is in block <c>p / blockSize</c>.</summary>
public sealed class BlockTable
{
    private BlockId[] _blocks = new BlockId[8];

    public int Count { get; private set; }

    /// <summary>Blocks from the first on whose hash was known before this table's owner computed anything.</summary>
    internal int Known { get; set; }

    public BlockId this[int index] => _blocks[index];

    /// <summary>Valid until the table grows.</summary>
    public ReadOnlyMemory<BlockId> Memory => _blocks.AsMemory(0, Count);

    /// <summary>Makes room for so many blocks in all.</summary>
    public void Reserve(int blocks)
    {
        if (blocks > _blocks.Length)
        {
            Array.Resize(ref _blocks, blocks);
        }
    }

    public void Add(BlockId block)
    {
        if (Count == _blocks.Length)
        {
            Array.Resize(ref _blocks, Count * 2);
        }

        _blocks[Count++] = block;
    }

    public void Replace(int index, BlockId block) => _blocks[index] = block;

    public void Clear()
    {
        Count = 0;
        Known = 0;
    }
}
