using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Crescent.KvCache.Codecs;

/// <summary>
/// Integers of 8 or 4 bits: K per channel (a dim of a head, over the positions of the block) with a step and an offset, V per
/// token (a position of a head, or of as many heads as have 32 elements) with a step. Keys differ by channel, values by token
/// (KIVI, arXiv 2402.02750).
/// A coded layer is [K steps: BF16][K offsets: a byte, in units of some steps][V steps: BF16][K codes][V codes].
/// </summary>
public sealed class IntegerCodec : CompressingCodec
{
    /// <summary>Elements of V that share a step at least, where the heads are that many.</summary>
    private const int TokenRun = 32;

    private readonly int _bits;

    /// <summary>Steps that an offset is a multiple of: so many that a byte of them reaches eight times the range of codes.</summary>
    private readonly float _offsetUnit;

    /// <param name="bits">8 or 4.</param>
    public IntegerCodec(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(bits is 8 or 4, true, nameof(bits));
        _bits = bits;
        _offsetUnit = (1 << bits) / 32f;
    }

    public override string Name => $"int{_bits}";

    public override string EncodingId => $"int{_bits}/1";

    public override bool Lossless => false;

    private int LargestCode => (1 << (_bits - 1)) - 1;

    /// <summary>Half a step: 2 · magnitude over the codes without those that an offset's rounding takes, rounded up to BF16.</summary>
    public override double DeclaredError(KvLayout layout, int layer) =>
        (1.01 / (2 * (LargestCode - (_offsetUnit / 2)))) + (1.01 * layout.Type.Rounding());

    private protected override bool TryEncode(KvLayout layout, int layer, ReadOnlySpan<byte> interchange, Span<byte> room, out int length)
    {
        var parts = new Parts(layout, _bits);
        int half = KvCodecs.HalfElements(layout);
        using var values = new Scratch<float>(2 * half);
        length = parts.Bytes;
        if (room.Length < length || !Elements.TryLoad(layout.Type, interchange, values.Span))
        {
            return false;
        }

        using var codes = new Scratch<sbyte>(2 * half);
        QuantiseKeys(layout, values.Span[..half], parts.KeySteps(room), parts.KeyOffsets(room), codes.Span);
        QuantiseValues(layout, values.Span[half..], parts.ValueSteps(room), codes.Span[half..]);
        Pack(codes.Span, parts.Codes(room));
        return true;
    }

    private protected override void DecodeCoded(KvLayout layout, int layer, ReadOnlySpan<byte> coded, Span<byte> interchange)
    {
        var parts = new Parts(layout, _bits);
        if (coded.Length != parts.Bytes)
        {
            throw new InvalidDataException($"a layer in {Name} has {parts.Bytes} bytes, not {coded.Length}");
        }

        int head = layout.BlockSize * layout.HeadDim;
        int bytes = head * layout.Type.ElementBytes();
        using var steps = new Scratch<float>(head);
        using var offsets = new Scratch<float>(head);
        using var unpacked = new Scratch<sbyte>(head);
        for (int h = 0; h < 2 * layout.KvHeads; h++)
        {
            int own = h % layout.KvHeads;
            int period = h < layout.KvHeads
                ? KeyGrid(layout, own, parts.KeySteps(coded), parts.KeyOffsets(coded), steps.Span, offsets.Span)
                : ValueGrid(layout, own, parts.ValueSteps(coded), steps.Span, offsets.Span);
            var codes = Unpack(parts.Codes(coded).Slice(h * head * _bits / 8, head * _bits / 8), unpacked.Span);
            Elements.Store(codes, steps.Span[..period], offsets.Span[..period], layout.Type, interchange.Slice(h * bytes, bytes));
        }
    }

    [MethodImpl(Hot.Loop)]
    private void QuantiseKeys(KvLayout layout, ReadOnlySpan<float> keys, Span<byte> steps, Span<byte> offsets, Span<sbyte> codes)
    {
        int dim = layout.HeadDim;
        int head = layout.BlockSize * dim;
        for (int channel = 0; channel < layout.KvHeads * dim; channel++)
        {
            int first = (channel / dim * head) + (channel % dim);
            var (lowest, highest) = (keys[first], keys[first]);
            for (int i = first + dim; i < first - (channel % dim) + head; i += dim)
            {
                lowest = Math.Min(lowest, keys[i]);
                highest = Math.Max(highest, keys[i]);
            }

            // Codes are from -(largest + 1) to largest: their middle is half a step below 0.
            float middle = (lowest + highest) / 2;
            float span = (highest - lowest) / ((2 * LargestCode) + 1 - _offsetUnit);
            ushort bits = StepBits(Math.Max(span, Math.Abs(middle) / (_offsetUnit * 126)));
            float step = Elements.FromBF16(bits);
            sbyte offset = (sbyte)MathF.Round((middle + (step / 2)) / (step * _offsetUnit));
            BinaryPrimitives.WriteUInt16LittleEndian(steps[(channel * sizeof(ushort))..], bits);
            offsets[channel] = (byte)offset;
            for (int i = first; i < first - (channel % dim) + head; i += dim)
            {
                codes[i] = Code(keys[i], offset * (_offsetUnit * step), 1 / step);
            }
        }
    }

    [MethodImpl(Hot.Loop)]
    private void QuantiseValues(KvLayout layout, ReadOnlySpan<float> values, Span<byte> steps, Span<sbyte> codes)
    {
        int dim = layout.HeadDim;
        int positions = layout.BlockSize;
        int together = HeadsPerToken(layout);
        for (int firstHead = 0, token = 0; firstHead < layout.KvHeads; firstHead += together)
        {
            int endHead = Math.Min(firstHead + together, layout.KvHeads);
            for (int position = 0; position < positions; position++, token++)
            {
                float largest = 0;
                for (int head = firstHead; head < endHead; head++)
                {
                    foreach (float value in values.Slice(((head * positions) + position) * dim, dim))
                    {
                        largest = Math.Max(largest, Math.Abs(value));
                    }
                }

                ushort bits = StepBits(largest / LargestCode);
                BinaryPrimitives.WriteUInt16LittleEndian(steps[(token * sizeof(ushort))..], bits);
                for (int head = firstHead; head < endHead; head++)
                {
                    int first = ((head * positions) + position) * dim;
                    for (int i = first; i < first + dim; i++)
                    {
                        codes[i] = Code(values[i], 0, 1 / Elements.FromBF16(bits));
                    }
                }
            }
        }
    }

    /// <summary>The grid of a head's K, as <see cref="Elements.Store"/> takes it; returns its period.</summary>
    private int KeyGrid(KvLayout layout, int head, ReadOnlySpan<byte> keySteps, ReadOnlySpan<byte> keyOffsets, Span<float> steps, Span<float> offsets)
    {
        int period = ChannelPattern.Length(layout);
        for (int dim = 0; dim < layout.HeadDim; dim++)
        {
            int channel = (head * layout.HeadDim) + dim;
            float step = ReadStep(keySteps, channel);
            for (int i = dim; i < period; i += layout.HeadDim)
            {
                steps[i] = step;
                offsets[i] = (sbyte)keyOffsets[channel] * (_offsetUnit * step);
            }
        }

        return period;
    }

    /// <summary>The grid of a head's V.</summary>
    private static int ValueGrid(KvLayout layout, int head, ReadOnlySpan<byte> valueSteps, Span<float> steps, Span<float> offsets)
    {
        int firstToken = head / HeadsPerToken(layout) * layout.BlockSize;
        for (int position = 0; position < layout.BlockSize; position++)
        {
            steps.Slice(position * layout.HeadDim, layout.HeadDim).Fill(ReadStep(valueSteps, firstToken + position));
        }

        offsets.Clear();
        return steps.Length;
    }

    private static ushort StepBits(float step) => Elements.RoundUpToBF16(Math.Max(step, Elements.SmallestStep));

    private static float ReadStep(ReadOnlySpan<byte> steps, int index)
    {
        float step = Elements.FromBF16(BinaryPrimitives.ReadUInt16LittleEndian(steps[(index * sizeof(ushort))..]));
        return float.IsFinite(step) ? step : throw new InvalidDataException("a step of a quantised layer is damaged");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private sbyte Code(float value, float offset, float inverseStep) =>
        (sbyte)Math.Clamp(Elements.Quantise(value, offset, inverseStep), -LargestCode - 1, LargestCode);

    [MethodImpl(Hot.Loop)]
    private void Pack(ReadOnlySpan<sbyte> codes, Span<byte> packed)
    {
        if (_bits == 8)
        {
            MemoryMarshal.AsBytes(codes).CopyTo(packed);
            return;
        }

        // Of 16 codes, the first 8 are the lower halves of 8 bytes.
        for (int i = 0; i < packed.Length; i++)
        {
            int first = (i / 8 * 16) + (i % 8);
            packed[i] = (byte)((codes[first] + 8) | ((codes[first + 8] + 8) << 4));
        }
    }

    [MethodImpl(Hot.Loop)]
    private ReadOnlySpan<sbyte> Unpack(ReadOnlySpan<byte> packed, Span<sbyte> codes)
    {
        if (_bits == 8)
        {
            return MemoryMarshal.Cast<byte, sbyte>(packed);
        }

        for (int i = 0; i < packed.Length; i += 8)
        {
            ulong pairs = BinaryPrimitives.ReadUInt64LittleEndian(packed[i..]);
            var halves = Vector128.Create(pairs, pairs >> 4).AsSByte() & Vector128.Create((sbyte)0xf);
            (halves - Vector128.Create((sbyte)8)).CopyTo(codes[(i * 2)..]);
        }

        return codes;
    }

    private static int HeadsPerToken(KvLayout layout) =>
        Math.Min(layout.KvHeads, (TokenRun + layout.HeadDim - 1) / layout.HeadDim);

    /// <summary>Where the parts of a coded layer are.</summary>
    private readonly struct Parts(KvLayout layout, int bits)
    {
        private readonly int _channels = layout.KvHeads * layout.HeadDim;
        private readonly int _tokens = (layout.KvHeads + HeadsPerToken(layout) - 1) / HeadsPerToken(layout) * layout.BlockSize;

        public int Bytes => (3 * _channels) + (2 * _tokens) + (2 * KvCodecs.HalfElements(layout) * bits / 8);

        public Span<byte> KeySteps(Span<byte> coded) => coded[..(2 * _channels)];

        public ReadOnlySpan<byte> KeySteps(ReadOnlySpan<byte> coded) => coded[..(2 * _channels)];

        public Span<byte> KeyOffsets(Span<byte> coded) => coded[(2 * _channels)..(3 * _channels)];

        public ReadOnlySpan<byte> KeyOffsets(ReadOnlySpan<byte> coded) => coded[(2 * _channels)..(3 * _channels)];

        public Span<byte> ValueSteps(Span<byte> coded) => coded.Slice(3 * _channels, 2 * _tokens);

        public ReadOnlySpan<byte> ValueSteps(ReadOnlySpan<byte> coded) => coded.Slice(3 * _channels, 2 * _tokens);

        public Span<byte> Codes(Span<byte> coded) => coded[((3 * _channels) + (2 * _tokens))..Bytes];

        public ReadOnlySpan<byte> Codes(ReadOnlySpan<byte> coded) => coded[((3 * _channels) + (2 * _tokens))..Bytes];
    }
}
