using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Crescent.KvCache.Codecs.Rans;

/// <summary>Writes what a <see cref="RansDecoder"/> reads: last symbol first, from the end of a buffer towards its start.</summary>
internal ref struct RansEncoder
{
    private readonly Span<byte> _buffer;
    private readonly ReadOnlySpan<uint> _codes;
    private readonly Span<uint> _states;
    private int _position;

    /// <param name="codes">[distributions, RansTables.Symbols], as <see cref="RansTables.FillCodes"/> makes them.</param>
    /// <param name="states">Memory for <see cref="RansDecoder.Lanes"/> of them.</param>
    public RansEncoder(Span<byte> buffer, ReadOnlySpan<uint> codes, Span<uint> states)
    {
        _buffer = buffer;
        _codes = codes;
        _states = states;
        _states.Fill(RansDecoder.LowestState);
        _position = buffer.Length;
    }

    /// <summary>Puts symbols before those that are there; whether there was room.</summary>
    /// <param name="symbols">A multiple of the pattern's length; each has a frequency in its distribution.</param>
    /// <param name="pattern">The distribution of each symbol, repeated; its length is a multiple of <see cref="RansDecoder.Lanes"/>.</param>
    public bool TryPrepend(scoped ReadOnlySpan<byte> symbols, scoped ReadOnlySpan<int> pattern)
    {
        for (int i = symbols.Length - RansDecoder.Lanes, place = pattern.Length; i >= 0; i -= RansDecoder.Lanes)
        {
            if (_position < RansDecoder.Lanes * sizeof(ushort))
            {
                return false;
            }

            place = (place == 0 ? pattern.Length : place) - RansDecoder.Lanes;
            Prepend(symbols.Slice(i, RansDecoder.Lanes), pattern.Slice(place, RansDecoder.Lanes));
        }

        return true;
    }

    /// <summary>Completes the stream, which is then at the end of the buffer; false: there was no room.</summary>
    /// <param name="length">Bytes of the stream.</param>
    public bool TryFinish(out int length)
    {
        length = 0;
        if (_position < RansDecoder.StateBytes)
        {
            return false;
        }

        _position -= RansDecoder.StateBytes;
        for (int lane = 0; lane < RansDecoder.Lanes; lane++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_buffer[(_position + (lane * sizeof(uint)))..], _states[lane]);
        }

        length = _buffer.Length - _position;
        return true;
    }

    /// <summary>One symbol of every lane. A word is always written, and kept if the state was too high: no branch to guess.</summary>
    [MethodImpl(Hot.Loop)]
    private void Prepend(scoped ReadOnlySpan<byte> symbols, scoped ReadOnlySpan<int> pattern)
    {
        var words = MemoryMarshal.Cast<byte, ushort>(_buffer.Slice(_position - (RansDecoder.Lanes * sizeof(ushort)), RansDecoder.Lanes * sizeof(ushort)));
        var states = _states[..RansDecoder.Lanes];
        int next = RansDecoder.Lanes - 1;
        for (int lane = RansDecoder.Lanes - 1; lane >= 0; lane--)
        {
            uint code = _codes[(pattern[lane] * RansTables.Symbols) + symbols[lane]];
            uint frequency = code >> 16;
            uint state = states[lane];
            words[next] = (ushort)state;
            bool high = state >= frequency << (32 - RansTables.Bits);
            next -= high ? 1 : 0;
            state = high ? state >> 16 : state;
            uint quotient = state / frequency;
            states[lane] = (quotient << RansTables.Bits) + (state - (quotient * frequency)) + (ushort)code;
        }

        _position -= (RansDecoder.Lanes - 1 - next) * sizeof(ushort);
    }
}
