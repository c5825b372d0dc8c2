using System.Numerics;

namespace Crescent.Models.Tokenizers;

/// <summary>A pair of token ids to the index of its merge. Written once, then read by many threads.</summary>
internal sealed class PairMap
{
    private const ulong Empty = ulong.MaxValue;

    private readonly ulong[] _keys;
    private readonly int[] _values;
    private readonly int _shift;

    /// <param name="capacity">The most pairs that will be set.</param>
    public PairMap(int capacity)
    {
        var slots = BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, capacity + (capacity / 2)));
        _keys = new ulong[slots];
        _values = new int[slots];
        _shift = 64 - BitOperations.Log2(slots);
        Array.Fill(_keys, Empty);
    }

    /// <summary>A pair that is set again keeps the last value.</summary>
    public void Set(int left, int right, int value)
    {
        var slot = Slot(Key(left, right));
        _keys[slot] = Key(left, right);
        _values[slot] = value;
    }

    /// <summary>The merge of the pair, or -1. Ids below 0 are in no pair.</summary>
    public int Find(int left, int right)
    {
        var slot = Slot(Key(left, right));
        return _keys[slot] == Empty ? -1 : _values[slot];
    }

    private static ulong Key(int left, int right) => ((ulong)(uint)left << 32) | (uint)right;

    private int Slot(ulong key)
    {
        // Fibonacci hashing; the two halves are mixed first because ids are small.
        var slot = (int)(((key ^ (key >> 29)) * 0x9E3779B97F4A7C15UL) >> _shift);
        while (_keys[slot] != key && _keys[slot] != Empty)
        {
            slot = (slot + 1) & (_keys.Length - 1);
        }

        return slot;
    }
}
