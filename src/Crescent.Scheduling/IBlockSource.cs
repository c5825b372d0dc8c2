namespace Crescent.Scheduling;

/// <summary>Brings blocks into the prefix cache that nobody has to compute: the tiers below the device. The engine's thread owns it.</summary>
public interface IBlockSource
{
    /// <summary>A sequence begins to run and lacks the blocks of its chain behind those it holds.</summary>
    /// <param name="chain">All blocks that it need not compute itself.</param>
    void Seek(Sequence sequence, ReadOnlySpan<BlockHash> chain);

    /// <summary>Whether a block may be published without anybody computing it. It stops being so in bounded time.</summary>
    bool IsComing(BlockHash block);
}
