using System.Runtime.InteropServices;

namespace Crescent.Backends.Cpu;

/// <summary>A handle of the CPU backend: a matrix or a KV pool in native memory, owned or aliased.</summary>
public sealed unsafe partial class CpuTensor : IDisposable
{
    private const int Alignment = 64;
    private const int HugePage = 2 << 20;
    private const int AdviceHugePages = 14;

    private readonly bool _owned;

    private CpuTensor(byte* data, bool owned, DType type, int rows, int columns, KvLayout? layout)
    {
        Data = data;
        _owned = owned;
        Type = type;
        Rows = rows;
        Columns = columns;
        Layout = layout;
    }

    internal byte* Data { get; private set; }

    internal float* Floats => (float*)Data;

    internal DType Type { get; }

    internal int Rows { get; }

    internal int Columns { get; }

    /// <summary>Set on KV pools; <see cref="Rows"/> then counts blocks.</summary>
    internal KvLayout? Layout { get; }

    internal static CpuTensor Alias(in WeightSource source) =>
        new((byte*)source.Data, owned: false, source.Type, source.Rows, source.Columns, layout: null);

    internal static CpuTensor Activation(int rows, int columns) =>
        new(Allocate((long)rows * columns * sizeof(float)), owned: true, DType.F32, rows, columns, layout: null);

    internal static CpuTensor KvPool(KvLayout layout, int blocks) =>
        new(Allocate(layout.BlockBytes * blocks), owned: true, layout.Type, blocks, columns: 0, layout);

    /// <summary>A head's K [dim, positions], then its V [positions, dim], of one layer of a block.</summary>
    internal byte* Head(BlockId block, int layer, int kvHead) =>
        Data + (block.Value * Layout!.BlockBytes) + (layer * Layout.LayerBytes) + (kvHead * (Layout.LayerBytes / Layout.KvHeads));

    public void Dispose()
    {
        if (_owned && Data != null)
        {
            NativeMemory.AlignedFree(Data);
        }

        Data = null;
    }

    private static byte* Allocate(long bytes)
    {
        bool large = bytes >= HugePage;
        byte* data = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(bytes, 1), large ? (nuint)HugePage : Alignment);
        if (large && OperatingSystem.IsLinux())
        {
            // Advice: where it is not taken, the same memory comes in small pages.
            _ = Advise(data, (nuint)bytes, AdviceHugePages);
        }

        return data;
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* start, nuint bytes, int advice);
}
