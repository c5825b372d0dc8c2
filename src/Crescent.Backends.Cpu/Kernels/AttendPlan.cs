using System.Runtime.InteropServices;

namespace Crescent.Backends.Cpu.Kernels;

/// <summary>Consecutive rows of one segment that visit a KV range together.</summary>
/// <param name="Slots">Index of its first slot in the plan's partials; negative when one item attends all its ranges.</param>
internal readonly record struct AttendTile(int Segment, int FirstRow, int Rows, int Ranges, int Slots)
{
    public bool IsSplit => Slots >= 0;
}

/// <summary>Ranges <paramref name="FirstRange"/> to <paramref name="EndRange"/> of a tile for one KV head.</summary>
internal readonly record struct AttendItem(int Tile, int KvHead, int FirstRange, int EndRange);

/// <summary>
/// Cuts a batch's attention into items. KV is cut at fixed positions into ranges of <see cref="Range"/>; each gives a
/// partial state, and a query's partials merge in ascending order, whoever computed them (invariant 9). The items of
/// a tile of many queries attend all ranges in turn; a tile of few queries (decoding) is split into an item per range,
/// whose partials lie in slots until the merge. Reused from step to step.
/// </summary>
internal sealed unsafe class AttendPlan : IDisposable
{
    /// <summary>Positions of a range: a multiple of every block size.</summary>
    public const int Range = 1024;

    /// <summary>Queries (rows × heads of a group) of a tile at most, but one row at least.</summary>
    private const int TileQueries = 64;

    /// <summary>Rows of a tile that is worth splitting.</summary>
    private const int SplitRows = 4;

    /// <summary>Bound of the partials; tiles beyond it are not split.</summary>
    private const long MaxPartialBytes = 32 << 20;

    private readonly List<AttendTile> _tiles = [];
    private readonly List<AttendItem> _items = [];
    private long _capacity;

    public IReadOnlyList<AttendTile> Tiles => _tiles;

    public IReadOnlyList<AttendItem> Items => _items;

    /// <summary>Tiles × KV heads that need a merge: all of them, if any tile is split.</summary>
    public int Merges { get; private set; }

    public float* Partials { get; private set; }

    public int Group { get; private set; }

    public KvLayout Layout { get; private set; } = null!;

    /// <summary>Floats of one slot: the state of a full tile of one KV head.</summary>
    public int SlotFloats { get; private set; }

    public void Cut(AttentionBatch batch, KvLayout layout, int group)
    {
        _tiles.Clear();
        _items.Clear();
        Layout = layout;
        Group = group;
        SlotFloats = SplitRows * group * (layout.HeadDim + 2);
        int slots = 0;
        for (int s = 0; s < batch.Segments.Count; s++)
        {
            slots = Cut(s, batch.Segments[s], slots);
        }

        Merges = slots > 0 ? _tiles.Count * layout.KvHeads : 0;
        Reserve((long)slots * SlotFloats * sizeof(float));
    }

    public float* Slot(in AttendTile tile, int kvHead, int range) =>
        Partials + ((tile.Slots + ((long)kvHead * tile.Ranges) + range) * SlotFloats);

    public void Dispose() => NativeMemory.AlignedFree(Partials);

    private int Cut(int index, in BatchSegment segment, int slots)
    {
        int tileRows = Math.Max(1, TileQueries / Group);
        for (int row = 0; row < segment.Rows; row += tileRows)
        {
            int rows = Math.Min(tileRows, segment.Rows - row);
            int ranges = ((segment.FirstPosition + row + rows - 1) / Range) + 1;
            int needed = ranges * Layout.KvHeads;
            bool split = ranges > 1 && rows <= SplitRows && (long)(slots + needed) * SlotFloats * sizeof(float) <= MaxPartialBytes;
            _tiles.Add(new AttendTile(index, row, rows, ranges, split ? slots : -1));
            slots += split ? needed : 0;
            for (int head = 0; head < Layout.KvHeads; head++)
            {
                for (int range = 0; range < ranges; range = _items[^1].EndRange)
                {
                    _items.Add(new AttendItem(_tiles.Count - 1, head, range, split ? range + 1 : ranges));
                }
            }
        }

        return slots;
    }

    private void Reserve(long bytes)
    {
        if (bytes > _capacity)
        {
            NativeMemory.AlignedFree(Partials);
            Partials = (float*)NativeMemory.AlignedAlloc((nuint)bytes, 64);
            _capacity = bytes;
        }
    }
}
