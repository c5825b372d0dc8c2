namespace Crescent.Evaluation.Tasks;

/// <summary>Chains of variables: one is set to a number, the next to that variable, and so on; the last one's number is asked for.</summary>
internal static class VariablesTask
{
    public static DocumentPlan Plan(PlanContext context)
    {
        var wording = context.Wording.Variables;
        var hops = Enumerable.Range(0, context.Questions).Select(chain => wording.Hops[chain % wording.Hops.Count]).ToArray();
        var names = new Queue<string>(context.Draws.Letters().Take(hops.Sum(count => count + 1)));
        var chains = hops.Select(count => Enumerable.Range(0, count + 1).Select(_ => names.Dequeue()).ToArray()).ToArray();
        var numbers = context.Draws.Numbers(wording.Digits).Take(chains.Length).ToArray();

        // A place in the document belongs to a chain; its sentences take its places in order.
        var places = context.Draws.Shuffle(chains.SelectMany((chain, c) => Enumerable.Repeat(c, chain.Length)));
        var told = new int[chains.Length];
        var needles = places.Select(c => Sentence(wording, chains[c], told[c]++, numbers[c]));
        var questions = chains.Select((chain, c) => new PlannedQuestion(
            Wording.Fill(wording.Question, ("name", chain[^1])),
            [numbers[c]],
            string.Join(' ', Enumerable.Range(0, chain.Length).Reverse().Select(link => Sentence(wording, chain, link, numbers[c]))),
            Array.IndexOf(places, c)));
        return new DocumentPlan(context.Book, [.. needles], [.. questions]);
    }

    private static string Sentence(VariableWording wording, string[] chain, int link, string number) => link == 0
        ? Wording.Fill(wording.Set, ("name", chain[0]), ("value", number))
        : Wording.Fill(wording.Copy, ("name", chain[link]), ("other", chain[link - 1]));
}
