using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using Crescent.KvCache.Codecs.Rans;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// Differences to an anchor, quantised with steps graded by layer, entropy-coded: CacheGen's idea (arXiv 2310.07240), with the
/// mean of each channel over the block in the anchor token's place, which predicts better. A channel's step grows with the
/// square root of its spread, V has coarser steps than K and late layers than early ones; what spread a channel has in its own
/// steps chooses its distribution among <see cref="DeltaTables"/>. Differences beyond a distribution's reach are patched.
/// A coded layer is the <see cref="DeltaGrid"/> of K and that of V, the number of patches (a ushort), the patches (a uint index
/// and an element each), the stream of symbols.
/// </summary>
public sealed class DeltaCodec : CompressingCodec
{
    /// <summary>In the middle layers, the spread of a channel of K that has as much of it as the others is 2^(8/4) steps.</summary>
    private const int KeyQuarters = 8;

    private const int ValueQuarters = 6;

    /// <summary>Of the elements at most one in so many is patched.</summary>
    private const int ElementsPerPatch = 32;

    public override string Name => "delta";

    public override string EncodingId => $"delta/1-k{KeyQuarters}-v{ValueQuarters}";

    public override bool Lossless => false;

    /// <summary>Half the largest step, as spreads are rounded to half octaves and none exceeds the magnitude.</summary>
    public override double DeclaredError(KvLayout layout, int layer)
    {
        int quarters = Math.Min(Quarters(layout, layer, half: 0), Quarters(layout, layer, half: 1));
        return (DeltaTables.PowerOfQuarters(1 - quarters) / 2) + (1.5 * layout.Type.Rounding());
    }

    private protected override bool TryEncode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> room, out int length)
    {
        length = 0;
        int half = KvCodecs.HalfElements(layout);
        int grids = 2 * DeltaGrid.Bytes(layout);
        using var values = new Scratch<float>(2 * half);
        if (room.Length < grids || !Elements.TryLoad(layout.Type, interchange, values.Span))
        {
            return false;
        }

        for (int i = 0; i < 2; i++)
        {
            var grid = room.Slice(i * grids / 2, grids / 2);
            DeltaGrid.Measure(layout, Quarters(layout, layer, i), values.Span.Slice(i * half, half), grid);
        }

        using var symbols = new Scratch<byte>(2 * half);
        using var patched = new Scratch<int>(Math.Min(2 * half / ElementsPerPatch, ushort.MaxValue));
        using var pattern = new HeadPattern(layout);
        int count = Quantise(layout, layer, room[..grids], values.Span, symbols.Span, patched.Span, pattern);
        if (count > patched.Span.Length || !TryWritePatches(layout.Type, interchange, patched.Span[..count], room[grids..], out int patches))
        {
            return false;
        }

        var rest = room[(grids + patches)..];
        if (!TryWriteStream(layout, layer, room[..grids], symbols.Span, pattern, rest, out int stream))
        {
            return false;
        }

        length = grids + patches + stream;
        return true;
    }

    private protected override void DecodeCoded(KvLayout layout, int layer, ReadOnlySpan<byte> coded, Span<byte> interchange) =>
        Decode(layout, layer, coded, interchange, Avx2.IsSupported);

    internal static void Decode(KvLayout layout, int layer, ReadOnlySpan<byte> coded, Span<byte> interchange, bool vectors)
    {
        int bytes = layout.Type.ElementBytes();
        int grids = 2 * DeltaGrid.Bytes(layout);
        int patches = coded.Length < grids + sizeof(ushort) ? 0
            : BinaryPrimitives.ReadUInt16LittleEndian(coded[grids..]) * (sizeof(uint) + bytes);
        int stream = grids + sizeof(ushort) + patches;
        if (coded.Length < stream)
        {
            throw new InvalidDataException("a layer of differences is cut off");
        }

        var decoder = new RansDecoder(coded[stream..], DeltaTables.Slots, vectors);
        int elements = layout.BlockSize * layout.HeadDim;
        using var pattern = new HeadPattern(layout);
        using var symbols = new Scratch<byte>(elements);
        for (int head = 0; head < 2 * layout.KvHeads; head++)
        {
            FillPattern(layout, layer, coded[..grids], head, pattern);
            decoder.Read(symbols.Span, pattern.Tables);
            var codes = MemoryMarshal.Cast<byte, sbyte>(symbols.Span);
            Elements.Store(codes, pattern.Steps, pattern.Means, layout.Type, interchange.Slice(head * elements * bytes, elements * bytes));
        }

        decoder.Finish();
        Patch(coded.Slice(grids + sizeof(ushort), patches), interchange, bytes);
    }

    /// <summary>The spread of an even channel in its steps, in quarter octaves: a third of the layers has finer steps, a third coarser ones.</summary>
    /// <param name="half">0 for K, 1 for V.</param>
    private static int Quarters(KvLayout layout, int layer, int half) =>
        (half == 0 ? KeyQuarters : ValueQuarters) + 1 - (3 * layer / layout.Layers);

    /// <param name="head">Heads of K, then of V.</param>
    private static void FillPattern(KvLayout layout, int layer, ReadOnlySpan<byte> grids, int head, in HeadPattern pattern)
    {
        int half = head / layout.KvHeads;
        var grid = new DeltaGrid(layout, Quarters(layout, layer, half), grids.Slice(half * grids.Length / 2, grids.Length / 2));
        grid.Fill(head % layout.KvHeads, pattern.Tables, pattern.Steps, pattern.Means);
        for (int i = 0; i < pattern.Steps.Length; i++)
        {
            pattern.Inverses[i] = 1 / pattern.Steps[i];
        }
    }

    /// <summary>Returns how many values have no symbol; their indices are in <paramref name="patched"/> as far as it goes.</summary>
    [MethodImpl(Hot.Loop)]
    private static int Quantise(
        KvLayout layout, int layer, ReadOnlySpan<byte> grids, ReadOnlySpan<float> values, Span<byte> symbols, Span<int> patched, in HeadPattern pattern)
    {
        int count = 0;
        int elements = layout.BlockSize * layout.HeadDim;
        int period = pattern.Tables.Length;
        for (int start = 0; start < values.Length; start += period)
        {
            if (start % elements == 0)
            {
                FillPattern(layout, layer, grids, start / elements, pattern);
            }

            for (int i = 0; i < period; i++)
            {
                int code = Elements.Quantise(values[start + i], pattern.Means[i], pattern.Inverses[i]);
                bool coded = code == (sbyte)code && DeltaTables.Codes[(pattern.Tables[i] * RansTables.Symbols) + (byte)code] != 0;
                if (!coded && count++ < patched.Length)
                {
                    patched[count - 1] = start + i;
                }

                symbols[start + i] = coded ? (byte)code : (byte)0;
            }
        }

        return count;
    }

    private static bool TryWritePatches(DType type, ReadOnlySpan<byte> interchange, ReadOnlySpan<int> patched, Span<byte> room, out int length)
    {
        int bytes = type.ElementBytes();
        length = sizeof(ushort) + (patched.Length * (sizeof(uint) + bytes));
        if (room.Length < length)
        {
            return false;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(room, (ushort)patched.Length);
        room = room[sizeof(ushort)..];
        foreach (int index in patched)
        {
            BinaryPrimitives.WriteInt32LittleEndian(room, index);
            interchange.Slice(index * bytes, bytes).CopyTo(room[sizeof(uint)..]);
            room = room[(sizeof(uint) + bytes)..];
        }

        return true;
    }

    private static void Patch(ReadOnlySpan<byte> patches, Span<byte> interchange, int bytes)
    {
        for (; patches.Length > 0; patches = patches[(sizeof(uint) + bytes)..])
        {
            uint index = BinaryPrimitives.ReadUInt32LittleEndian(patches);
            if (index >= (uint)(interchange.Length / bytes))
            {
                throw new InvalidDataException("a patch is outside of its layer");
            }

            patches.Slice(sizeof(uint), bytes).CopyTo(interchange[((int)index * bytes)..]);
        }
    }

    private static bool TryWriteStream(
        KvLayout layout, int layer, ReadOnlySpan<byte> grids, ReadOnlySpan<byte> symbols, in HeadPattern pattern, Span<byte> room, out int length)
    {
        length = 0;
        int elements = layout.BlockSize * layout.HeadDim;
        var encoder = new RansEncoder(room, DeltaTables.Codes, stackalloc uint[RansDecoder.Lanes]);
        for (int head = (2 * layout.KvHeads) - 1; head >= 0; head--)
        {
            FillPattern(layout, layer, grids, head, pattern);
            if (!encoder.TryPrepend(symbols.Slice(head * elements, elements), pattern.Tables))
            {
                return false;
            }
        }

        if (!encoder.TryFinish(out length))
        {
            return false;
        }

        room[^length..].CopyTo(room);
        return true;
    }

    /// <summary>A head's grid, as <see cref="ChannelPattern"/> repeats it.</summary>
    private readonly ref struct HeadPattern(KvLayout layout) : IDisposable
    {
        private readonly Scratch<int> _tables = new(ChannelPattern.Length(layout));
        private readonly Scratch<float> _steps = new(ChannelPattern.Length(layout));
        private readonly Scratch<float> _inverses = new(ChannelPattern.Length(layout));
        private readonly Scratch<float> _means = new(ChannelPattern.Length(layout));

        public Span<int> Tables => _tables.Span;

        public Span<float> Steps => _steps.Span;

        public Span<float> Inverses => _inverses.Span;

        public Span<float> Means => _means.Span;

        public void Dispose()
        {
            _tables.Dispose();
            _steps.Dispose();
            _inverses.Dispose();
            _means.Dispose();
        }
    }
}
