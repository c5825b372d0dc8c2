namespace Crescent.Models.Sampling;

/// <summary>The k largest of many values without sorting them all: a heap of the best k so far, its worst on top.</summary>
internal static class TopTokens
{
    /// <param name="values">Indexed by token id.</param>
    /// <param name="count">Ids 0 to count − 1 take part.</param>
    /// <param name="ids">
    /// Room for k; filled with the ids of the k largest, largest first. Equal values are in order of id, so that every
    /// selection has one answer.
    /// </param>
    public static void Select(ReadOnlySpan<float> values, int count, Span<int> ids)
    {
        if (ids.IsEmpty)
        {
            return;
        }

        int size = 0;
        for (int id = 0; id < count; id++)
        {
            if (size < ids.Length)
            {
                ids[size] = id;
                SiftUp(ids, size++, values);
            }
            else if (Before(values, id, ids[0]))
            {
                ids[0] = id;
                SiftDown(ids, values);
            }
        }

        for (int end = ids.Length - 1; end > 0; end--)
        {
            (ids[0], ids[end]) = (ids[end], ids[0]);
            SiftDown(ids[..end], values);
        }
    }

    private static bool Before(ReadOnlySpan<float> values, int a, int b)
    {
        int byValue = values[b].CompareTo(values[a]);
        return byValue < 0 || (byValue == 0 && a < b);
    }

    private static void SiftUp(Span<int> heap, int index, ReadOnlySpan<float> values)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (!Before(values, heap[parent], heap[index]))
            {
                return;
            }

            (heap[index], heap[parent]) = (heap[parent], heap[index]);
            index = parent;
        }
    }

    private static void SiftDown(Span<int> heap, ReadOnlySpan<float> values)
    {
        int index = 0;
        while (true)
        {
            int worst = index;
            for (int child = (2 * index) + 1; child <= (2 * index) + 2 && child < heap.Length; child++)
            {
                worst = Before(values, heap[worst], heap[child]) ? child : worst;
            }

            if (worst == index)
            {
                return;
            }

            (heap[index], heap[worst]) = (heap[worst], heap[index]);
            index = worst;
        }
    }
}
