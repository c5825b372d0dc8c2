namespace Crescent.Evaluation.Tasks;

public static class Scoring
{
    /// <summary>The share of what is expected that the answer contains, as whole words or runs of digits; case matters.</summary>
    public static double Score(string answer, IReadOnlyList<string> expected) =>
        (double)expected.Count(word => Contains(answer, word)) / expected.Count;

    private static bool Contains(string answer, string word)
    {
        for (int at = 0; (at = answer.IndexOf(word, at, StringComparison.Ordinal)) >= 0; at++)
        {
            bool begins = at == 0 || !char.IsLetterOrDigit(answer[at - 1]);
            bool ends = at + word.Length == answer.Length || !char.IsLetterOrDigit(answer[at + word.Length]);
            if (begins && ends)
            {
                return true;
            }
        }

        return false;
    }
}
