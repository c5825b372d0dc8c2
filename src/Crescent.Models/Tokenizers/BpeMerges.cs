namespace Crescent.Models.Tokenizers;

/// <summary>Two neighbouring tokens that become one. Lower priority numbers are applied first.</summary>
internal readonly record struct Merge(int Left, int Right, int Result, int Priority);

/// <summary>The merges of a model, found by pair. Of a pair that is listed twice the later entry counts.</summary>
internal sealed class BpeMerges
{
    private readonly PairMap _pairs;
    private readonly int[] _results;
    private readonly int[] _priorities;

    public BpeMerges(List<Merge> merges)
    {
        _pairs = new PairMap(merges.Count);
        _results = new int[merges.Count];
        _priorities = new int[merges.Count];
        for (var i = 0; i < merges.Count; i++)
        {
            _pairs.Set(merges[i].Left, merges[i].Right, i);
            _results[i] = merges[i].Result;
            _priorities[i] = merges[i].Priority;
        }
    }

    /// <summary>The index of the pair's merge, or -1.</summary>
    public int Find(int left, int right) => _pairs.Find(left, right);

    public int Result(int merge) => _results[merge];

    public int Priority(int merge) => _priorities[merge];
}
