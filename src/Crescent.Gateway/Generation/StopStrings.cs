namespace Crescent.Gateway.Generation;

/// <summary>
/// An Aho–Corasick automaton over UTF-16 code units: it finds the stop string that is completed first (of several
/// completed by the same character, the longest), however the text is cut into pieces. Immutable; shared by choices.
/// </summary>
internal sealed class StopStrings
{
    private readonly List<Node> _nodes = [new Node()];

    /// <param name="strings">None of them empty.</param>
    public StopStrings(IReadOnlyList<string> strings)
    {
        Strings = strings;
        for (int i = 0; i < strings.Count; i++)
        {
            Add(strings[i], i);
        }

        LinkSuffixes();
    }

    public IReadOnlyList<string> Strings { get; }

    /// <summary>The state after one more character. State 0 is the start.</summary>
    public int Advance(int state, char c)
    {
        while (true)
        {
            if (_nodes[state].Next.TryGetValue(c, out int next))
            {
                return next;
            }

            if (state == 0)
            {
                return 0;
            }

            state = _nodes[state].Suffix;
        }
    }

    /// <summary>How many of the last characters are the beginning of a stop string, at most.</summary>
    public int HeldLength(int state) => _nodes[state].Depth;

    /// <summary>Index of the stop string that ends here, or null.</summary>
    public int? Match(int state) => _nodes[state].Match;

    private void Add(string text, int index)
    {
        int at = 0;
        foreach (char c in text)
        {
            if (!_nodes[at].Next.TryGetValue(c, out int next))
            {
                next = _nodes.Count;
                _nodes[at].Next.Add(c, next);
                _nodes.Add(new Node { Depth = _nodes[at].Depth + 1 });
            }

            at = next;
        }

        _nodes[at].Match ??= index;
    }

    /// <summary>Breadth first: a node's suffix is shallower than the node, so it is complete when it is asked for.</summary>
    private void LinkSuffixes()
    {
        var queue = new Queue<int>();
        queue.Enqueue(0);
        while (queue.TryDequeue(out int at))
        {
            foreach ((char c, int child) in _nodes[at].Next)
            {
                Node node = _nodes[child];
                node.Suffix = at == 0 ? 0 : Advance(_nodes[at].Suffix, c);
                node.Match ??= _nodes[node.Suffix].Match;
                queue.Enqueue(child);
            }
        }
    }

    private sealed class Node
    {
        public Dictionary<char, int> Next { get; } = [];

        /// <summary>The node of the longest proper suffix that is also the beginning of a stop string.</summary>
        public int Suffix { get; set; }

        public int Depth { get; init; }

        public int? Match { get; set; }
    }
}
