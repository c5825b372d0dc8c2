using Crescent.KvCache.Blocks;

namespace Crescent.KvCache.Tests.Blocks;

public class BlockTableTests
{
    [Fact]
    public void Keeps_blocks_in_the_order_they_were_added_however_many()
    {
        var table = new BlockTable();
        var added = Enumerable.Range(0, 100).Select(i => new BlockId(i * 3)).ToArray();

        Array.ForEach(added, table.Add);

        Assert.Equal(added, table.Memory.ToArray());
        Assert.Equal(added, Enumerable.Range(0, table.Count).Select(i => table[i]));
    }

    [Fact]
    public void Replacing_a_block_leaves_the_others_where_they_are()
    {
        var table = new BlockTable();
        table.Add(new BlockId(4));
        table.Add(new BlockId(5));
        table.Add(new BlockId(6));

        table.Replace(1, new BlockId(9));

        Assert.Equal([new BlockId(4), new BlockId(9), new BlockId(6)], table.Memory.ToArray());
    }

    [Fact]
    public void A_cleared_table_has_no_blocks_and_can_be_filled_again()
    {
        var table = new BlockTable();
        table.Add(new BlockId(4));

        table.Clear();
        table.Add(new BlockId(7));

        Assert.Equal([new BlockId(7)], table.Memory.ToArray());
    }
}
