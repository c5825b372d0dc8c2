namespace Crescent.Evaluation.Tasks;

/// <summary>
/// Keys "adjective noun". Every n-th pair, counted row by row over adjectives, is held out: the trainer never shows one,
/// and only these are asked for.
/// </summary>
internal sealed class KeySpace(Wording wording)
{
    private readonly string[] _adjectives = wording.Sets["adjective"];
    private readonly string[] _nouns = wording.Sets["noun"];

    private IEnumerable<int> Pairs => Enumerable.Range(0, _adjectives.Length * _nouns.Length);

    /// <summary>So many different held-out keys.</summary>
    /// <exception cref="EvaluationException">There are fewer.</exception>
    public string[] HeldOut(Draws draws, int count)
    {
        var pairs = draws.Shuffle(Pairs.Where(IsHeldOut));
        return count <= pairs.Length
            ? [.. pairs.Take(count).Select(Name)]
            : throw new EvaluationException($"there are {pairs.Length:N0} held-out keys, too few for {count:N0} questions over one document");
    }

    /// <summary>All keys but those taken, held out or not, in random order.</summary>
    public IEnumerable<string> Others(Draws draws, IEnumerable<string> taken) => draws.Shuffle(Pairs).Select(Name).Except(taken);

    private bool IsHeldOut(int pair) => pair % wording.HeldOutKeys == 0;

    private string Name(int pair) => $"{_adjectives[pair / _nouns.Length]} {_nouns[pair % _nouns.Length]}";
}
