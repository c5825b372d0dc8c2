using Crescent.KvCache.Tiers.Host;

namespace Crescent.KvCache.Tests.Tiers.Host;

public class PageArenaTests
{
    [Fact]
    public void Chains_keep_their_bytes_whatever_is_taken_and_given_back_around_them()
    {
        var random = new Random(1);
        using var arena = new PageArena(pages: 50);
        var chains = new List<(int First, byte[] Bytes)>();
        for (int round = 0; round < 2_000; round++)
        {
            var bytes = new byte[random.Next(1, 6 * PageArena.PageBytes)];
            int pages = PageArena.PagesFor(bytes.Length);
            if (pages <= arena.FreePages && random.Next(3) > 0)
            {
                random.NextBytes(bytes);
                int first = arena.Allocate(pages);
                arena.CopyIn(bytes, first);
                chains.Add((first, bytes));
            }
            else if (chains.Count > 0)
            {
                int index = random.Next(chains.Count);
                var chain = chains[index];
                var read = new byte[chain.Bytes.Length];
                arena.CopyOut(chain.First, read);
                Assert.Equal(chain.Bytes, read);
                arena.Free(chain.First, PageArena.PagesFor(read.Length));
                chains.RemoveAt(index);
            }

            Assert.Equal(50 - chains.Sum(chain => PageArena.PagesFor(chain.Bytes.Length)), arena.FreePages);
        }
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(PageArena.PageBytes, 1)]
    [InlineData(PageArena.PageBytes + 1, 2)]
    [InlineData(int.MaxValue, 131_072)]
    public void Counts_whole_pages(int bytes, int pages) => Assert.Equal(pages, PageArena.PagesFor(bytes));

    [Fact]
    public void Gives_all_its_pages_and_no_more()
    {
        using var arena = new PageArena(pages: 3);

        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Allocate(4));
        int first = arena.Allocate(3);
        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Allocate(1));
        arena.Free(first, 3);
        Assert.Equal(3, arena.FreePages);
    }
}
