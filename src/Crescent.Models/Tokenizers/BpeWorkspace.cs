using System.Buffers;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// The buffers of one encoding: the symbols of the piece at hand, the queue of its possible merges, and the ids so
/// far. Rented, so that a text costs no allocation per piece.
/// </summary>
internal sealed class BpeWorkspace : IDisposable
{
    private Symbol[] _symbols = ArrayPool<Symbol>.Shared.Rent(256);
    private ulong[] _heap = ArrayPool<ulong>.Shared.Rent(256);
    private int[] _output = ArrayPool<int>.Shared.Rent(256);
    private int _symbolCount;
    private int _heapCount;
    private int _outputCount;

    /// <summary>A link of the piece's chain; a negative id takes part in no merge and comes out as it was added.</summary>
    private struct Symbol
    {
        public int Id;
        public int Previous;
        public int Next;

        /// <summary>The merge of this symbol with the next one, or -1.</summary>
        public int Merge;
    }

    /// <summary>Queue operations so far: what grows if a piece is not merged in linear many steps.</summary>
    public long Steps { get; private set; }

    public ReadOnlySpan<int> Output => _output.AsSpan(0, _outputCount);

    public void Emit(int id)
    {
        if (_outputCount == _output.Length)
        {
            Grow(ref _output);
        }

        _output[_outputCount++] = id;
    }

    public void BeginPiece() => _symbolCount = 0;

    public void AddSymbol(int id)
    {
        if (_symbolCount == _symbols.Length)
        {
            Grow(ref _symbols);
        }

        _symbols[_symbolCount] = new Symbol { Id = id, Previous = _symbolCount - 1, Next = _symbolCount + 1, Merge = -1 };
        _symbolCount++;
    }

    /// <summary>
    /// Applies the merges to the piece, best first and leftmost among equals, and emits what is left. Every merge
    /// removes a symbol and queues at most two more, so n symbols take at most 3n queue operations each way.
    /// </summary>
    public void EndPiece(BpeMerges merges)
    {
        _heapCount = 0;
        for (var i = 0; i + 1 < _symbolCount; i++)
        {
            Offer(merges, i);
        }

        while (_heapCount > 0)
        {
            var key = Pop();
            var left = (int)(uint)key;
            ref var symbol = ref _symbols[left];

            // An entry is stale when its symbol was merged away or has another right neighbour now.
            if (symbol.Merge < 0 || merges.Priority(symbol.Merge) != (int)(key >> 32))
            {
                continue;
            }

            ref var right = ref _symbols[symbol.Next];
            symbol.Id = merges.Result(symbol.Merge);
            symbol.Next = right.Next;
            right.Merge = -1;
            if (symbol.Next < _symbolCount)
            {
                _symbols[symbol.Next].Previous = left;
            }

            Offer(merges, left);
            if (symbol.Previous >= 0)
            {
                Offer(merges, symbol.Previous);
            }
        }

        for (var i = 0; i < _symbolCount; i = _symbols[i].Next)
        {
            Emit(_symbols[i].Id);
        }
    }

    public void Dispose()
    {
        ArrayPool<Symbol>.Shared.Return(_symbols);
        ArrayPool<ulong>.Shared.Return(_heap);
        ArrayPool<int>.Shared.Return(_output);
        _symbols = [];
        _heap = [];
        _output = [];
    }

    private static void Grow<T>(ref T[] array)
    {
        var larger = ArrayPool<T>.Shared.Rent(array.Length * 2);
        array.CopyTo(larger, 0);
        ArrayPool<T>.Shared.Return(array);
        array = larger;
    }

    private void Offer(BpeMerges merges, int index)
    {
        ref var symbol = ref _symbols[index];
        symbol.Merge = symbol.Next < _symbolCount ? merges.Find(symbol.Id, _symbols[symbol.Next].Id) : -1;
        if (symbol.Merge >= 0)
        {
            Push(((ulong)(uint)merges.Priority(symbol.Merge) << 32) | (uint)index);
        }
    }

    private void Push(ulong key)
    {
        if (_heapCount == _heap.Length)
        {
            Grow(ref _heap);
        }

        Steps++;
        var heap = _heap;
        var at = _heapCount++;
        while (at > 0)
        {
            var parent = (at - 1) >> 1;
            if (heap[parent] <= key)
            {
                break;
            }

            heap[at] = heap[parent];
            at = parent;
        }

        heap[at] = key;
    }

    private ulong Pop()
    {
        Steps++;
        var heap = _heap.AsSpan(0, _heapCount);
        var top = heap[0];
        var key = heap[^1];
        var count = --_heapCount;
        var at = 0;
        while (true)
        {
            var child = (2 * at) + 1;
            if (child >= count)
            {
                break;
            }

            if (child + 1 < count && heap[child + 1] < heap[child])
            {
                child++;
            }

            if (heap[child] >= key)
            {
                break;
            }

            heap[at] = heap[child];
            at = child;
        }

        heap[at] = key;
        return top;
    }
}
