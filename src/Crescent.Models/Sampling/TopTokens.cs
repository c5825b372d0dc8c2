namespace Crescent.Models.Sampling;

/// <summary>Larger value first; equal values in order of id, so that every selection has one answer.</summary>
internal readonly struct DescendingByValue(float[] values) : IComparer<int>
{
    public int Compare(int a, int b)
    {
        int byValue = values[b].CompareTo(values[a]);
        return byValue != 0 ? byValue : a.CompareTo(b);
    }
}

/// <summary>The k largest of many values without sorting them all: a heap of the best k so far, its worst on top.</summary>
internal static class TopTokens
{
    /// <param name="values">Indexed by token id.</param>
    /// <param name="count">Ids 0 to count − 1 take part.</param>
    /// <param name="ids">Room for k; filled with the ids of the k largest, largest first.</param>
    public static void Select(float[] values, int count, Span<int> ids)
    {
        if (ids.IsEmpty)
        {
            return;
        }

        var order = new DescendingByValue(values);
        int size = 0;
        for (int id = 0; id < count; id++)
        {
            if (size < ids.Length)
            {
                ids[size] = id;
                SiftUp(ids, size++, order);
            }
            else if (order.Compare(id, ids[0]) < 0)
            {
                ids[0] = id;
                SiftDown(ids, order);
            }
        }

        ids.Sort(order);
    }

    private static void SiftUp(Span<int> heap, int index, DescendingByValue order)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (order.Compare(heap[index], heap[parent]) <= 0)
            {
                return;
            }

            (heap[index], heap[parent]) = (heap[parent], heap[index]);
            index = parent;
        }
    }

    private static void SiftDown(Span<int> heap, DescendingByValue order)
    {
        int index = 0;
        while (true)
        {
            int worst = index;
            for (int child = (2 * index) + 1; child <= (2 * index) + 2 && child < heap.Length; child++)
            {
                worst = order.Compare(heap[child], heap[worst]) > 0 ? child : worst;
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
