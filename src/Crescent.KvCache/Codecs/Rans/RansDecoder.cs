using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Crescent.KvCache.Codecs.Rans;

/// <summary>
/// Range coding by asymmetric numeral systems (Duda), interleaved: symbol i belongs to lane i mod <see cref="Lanes"/>. A stream
/// is a 32-bit state per lane, then 16-bit words in the order in which states run low, all little-endian. A state begins and
/// ends its way at <see cref="LowestState"/>, so that damage shows at the end of a stream.
/// </summary>
internal ref struct RansDecoder
{
    public const int Lanes = 16;
    public const int StateBytes = Lanes * sizeof(uint);
    public const uint LowestState = 1 << 16;

    private static readonly int[] WordOfLane = WordsOfLanes();

    private readonly ReadOnlySpan<ushort> _words;
    private readonly ReadOnlySpan<uint> _slots;
    private readonly bool _vectors;
    private States _states;
    private int _next;

    /// <param name="slots">[distributions, RansTables.Total].</param>
    /// <param name="vectors">Whether to use AVX2, which the processor must have. The results are the same.</param>
    /// <exception cref="InvalidDataException">This is no stream.</exception>
    public RansDecoder(ReadOnlySpan<byte> stream, ReadOnlySpan<uint> slots, bool vectors)
    {
        if (stream.Length < StateBytes || stream.Length % sizeof(ushort) != 0)
        {
            throw new InvalidDataException("a stream of symbols is cut off");
        }

        for (int lane = 0; lane < Lanes; lane++)
        {
            _states[lane] = BinaryPrimitives.ReadUInt32LittleEndian(stream[(lane * sizeof(uint))..]);
        }

        _words = MemoryMarshal.Cast<byte, ushort>(stream[StateBytes..]);
        _slots = slots;
        _vectors = vectors;
    }

    /// <summary>Decodes the next symbols.</summary>
    /// <param name="symbols">A multiple of the pattern's length.</param>
    /// <param name="pattern">The distribution of each symbol, repeated; its length is a multiple of <see cref="Lanes"/>.</param>
    /// <exception cref="InvalidDataException">The stream ends before.</exception>
    public void Read(scoped Span<byte> symbols, scoped ReadOnlySpan<int> pattern)
    {
        CheckPattern(symbols, pattern);
        int done = _vectors && _words.Length >= Lanes ? ReadVectors(symbols, pattern) : 0;
        int place = pattern.IsEmpty ? 0 : done % pattern.Length;
        for (; done < symbols.Length; done += Lanes)
        {
            ReadLanes(symbols.Slice(done, Lanes), pattern.Slice(place, Lanes));
            place = place + Lanes == pattern.Length ? 0 : place + Lanes;
        }
    }

    /// <exception cref="InvalidDataException">The stream holds something else than the symbols that were read.</exception>
    public readonly void Finish()
    {
        if (_next != _words.Length || ((ReadOnlySpan<uint>)_states).ContainsAnyExcept(LowestState))
        {
            throw new InvalidDataException("a stream of symbols is damaged");
        }
    }

    /// <summary>The kernels look up slots without a check of their own.</summary>
    private readonly void CheckPattern(scoped ReadOnlySpan<byte> symbols, scoped ReadOnlySpan<int> pattern)
    {
        if (pattern.Length % Lanes != 0 || symbols.Length % pattern.Length != 0
            || pattern.ContainsAnyExceptInRange(0, (_slots.Length / RansTables.Total) - 1))
        {
            throw new ArgumentException("a pattern is whole steps of distributions that there are", nameof(pattern));
        }
    }

    /// <summary>One symbol of every lane.</summary>
    [MethodImpl(Hot.Loop)]
    private void ReadLanes(scoped Span<byte> symbols, scoped ReadOnlySpan<int> pattern)
    {
        var words = _words;
        int next = _next;
        for (int lane = 0; lane < Lanes; lane++)
        {
            uint state = _states[lane];
            uint slot = _slots[(pattern[lane] * RansTables.Total) + (int)(state % RansTables.Total)];
            symbols[lane] = (byte)slot;
            state = (((slot >> 8) & 0xfff) * (state >> RansTables.Bits)) + (slot >> 20);
            if (state < LowestState)
            {
                if (next == words.Length)
                {
                    throw new InvalidDataException("a stream of symbols ends too early");
                }

                state = (state << 16) | words[next++];
            }

            _states[lane] = state;
        }

        _next = next;
    }

    /// <summary>
    /// As long as there are words for all lanes, as there are in the whole stream, the lanes side by side; returns the symbols done.
    /// </summary>
    [MethodImpl(Hot.Loop)]
    private unsafe int ReadVectors(scoped Span<byte> symbols, scoped ReadOnlySpan<int> pattern)
    {
        fixed (byte* target = symbols)
        fixed (int* distributions = pattern)
        fixed (uint* slots = _slots)
        fixed (ushort* words = _words)
        fixed (int* wordOfLane = WordOfLane)
        {
            Span<uint> states = _states;
            var low = Vector256.Create<uint>(states);
            var high = Vector256.Create<uint>(states[8..]);
            ushort* next = words + _next;
            ushort* last = words + _words.Length - Lanes;
            int done = 0;
            for (int place = 0; done < symbols.Length && next <= last; done += Lanes)
            {
                var lowSymbols = Step(ref low, distributions + place, slots, ref next, wordOfLane);
                var highSymbols = Step(ref high, distributions + place + 8, slots, ref next, wordOfLane);
                var pairs = Vector256.Narrow(lowSymbols, highSymbols);
                Vector128.Narrow(pairs.GetLower(), pairs.GetUpper()).Store(target + done);
                place = place + Lanes == pattern.Length ? 0 : place + Lanes;
            }

            low.CopyTo(states);
            high.CopyTo(states[8..]);
            _next = (int)(next - words);
            return done;
        }
    }

    /// <summary>One symbol of each of eight lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Vector256<uint> Step(ref Vector256<uint> state, int* distributions, uint* slots, ref ushort* next, int* wordOfLane)
    {
        var index = (state & Vector256.Create(RansTables.Total - 1u)) + (Vector256.Load(distributions).AsUInt32() << RansTables.Bits);
        var slot = Avx2.GatherVector256(slots, index.AsInt32(), sizeof(uint));
        var moved = (((slot >> 8) & Vector256.Create(0xfffu)) * (state >> RansTables.Bits)) + (slot >> 20);
        var ranLow = Vector256.Equals(moved >> 16, Vector256<uint>.Zero);
        uint lanes = ranLow.ExtractMostSignificantBits();
        var (lower, upper) = Vector128.Widen(Vector128.Load(next));
        var words = Avx2.PermuteVar8x32(Vector256.Create(lower, upper), Vector256.Load(wordOfLane + (lanes * 8)).AsUInt32());
        state = Vector256.ConditionalSelect(ranLow, (moved << 16) | words, moved);
        next += BitOperations.PopCount(lanes);
        return slot & Vector256.Create(0xffu);
    }

    /// <summary>[sets of eight lanes, lanes]: which of the next words a lane takes when that set takes one each, in order.</summary>
    private static int[] WordsOfLanes()
    {
        var words = new int[256 * 8];
        for (int i = 0; i < words.Length; i++)
        {
            words[i] = BitOperations.PopCount((uint)(i / 8) & ((1u << (i % 8)) - 1));
        }

        return words;
    }

    [InlineArray(Lanes)]
    private struct States
    {
        private uint _first;
    }
}
