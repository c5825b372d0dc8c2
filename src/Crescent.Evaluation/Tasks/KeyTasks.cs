namespace Crescent.Evaluation.Tasks;

/// <summary>Plans of the tasks that hide numbers under keys.</summary>
internal static class KeyTasks
{
    /// <summary>Pass keys in a few sentences repeated over and over.</summary>
    public static DocumentPlan Passkey(PlanContext context) => Single(context, context.Wording.Passkey, (_, _) => context.Material.Noise.From(0));

    /// <summary>Magic numbers in the book.</summary>
    public static DocumentPlan Key(PlanContext context) => Single(context, context.Wording.Key, (_, _) => context.Book);

    /// <summary>Magic numbers among nothing but others.</summary>
    public static DocumentPlan MultiKey(PlanContext context)
    {
        var wording = context.Wording.Key;
        return Single(context, wording, (keys, values) =>
        {
            var others = context.Material.Keys.Others(context.Draws, keys);
            var numbers = context.Draws.Numbers(wording.Digits).Except(values);
            return new SentenceList([.. others.Zip(numbers, (key, number) => Needle(wording, key, number))]);
        });
    }

    /// <summary>Several secret codes of each key, scattered over the book; all are asked for.</summary>
    public static DocumentPlan MultiValue(PlanContext context)
    {
        var wording = context.Wording.MultiValue;
        var keys = context.Material.Keys.HeldOut(context.Draws, context.Questions);
        var numbers = context.Draws.Numbers(wording.Digits).Take(keys.Length * wording.Values).ToArray();

        // Numbers k × Values up to (k + 1) × Values − 1 are key k's, wherever they come to stand.
        var order = context.Draws.Shuffle(Enumerable.Range(0, numbers.Length));
        var needles = order.Select(i => Needle(wording, keys[i / wording.Values], numbers[i]));
        var questions = keys.Select((key, k) =>
        {
            var values = order.Where(i => i / wording.Values == k).Select(i => numbers[i]).ToArray();
            return new PlannedQuestion(
                Wording.Fill(wording.Question, ("key", key)),
                values,
                Wording.Fill(wording.Answer, ("key", key), ("values", Wording.Enumerate(values))),
                Array.FindIndex(order, i => i / wording.Values == k));
        });
        return new DocumentPlan(context.Book, [.. needles], [.. questions]);
    }

    /// <summary>Magic numbers in the book; a question asks for several, of which the first decides its depth.</summary>
    public static DocumentPlan MultiQuery(PlanContext context)
    {
        var wording = context.Wording.Key;
        var query = context.Wording.MultiQuery;
        var keys = context.Material.Keys.HeldOut(context.Draws, Math.Max(context.Questions, query.Queries));
        var numbers = context.Draws.Numbers(wording.Digits).Take(keys.Length).ToArray();
        var questions = Enumerable.Range(0, context.Questions).Select(k =>
        {
            int[] asked = [k, .. context.Draws.Shuffle(Enumerable.Range(0, keys.Length).Where(i => i != k)).Take(query.Queries - 1)];
            return new PlannedQuestion(
                Wording.Fill(query.Question, ("keys", Wording.Enumerate([.. asked.Select(i => $"the {keys[i]}")]))),
                [.. asked.Select(i => numbers[i])],
                string.Join(' ', asked.Select(i => Answer(wording, keys[i], numbers[i]))),
                k);
        });
        return new DocumentPlan(context.Book, [.. keys.Zip(numbers, (key, number) => Needle(wording, key, number))], [.. questions]);
    }

    /// <param name="filler">Is given the keys that are asked for, and their values.</param>
    private static DocumentPlan Single(PlanContext context, NeedleWording wording, Func<string[], string[], IFiller> filler)
    {
        var keys = context.Material.Keys.HeldOut(context.Draws, context.Questions);
        var values = context.Draws.Numbers(wording.Digits).Take(keys.Length).ToArray();
        var questions = keys.Select((key, k) =>
            new PlannedQuestion(Wording.Fill(wording.Question, ("key", key)), [values[k]], Answer(wording, key, values[k]), k));
        return new DocumentPlan(filler(keys, values), [.. keys.Zip(values, (key, value) => Needle(wording, key, value))], [.. questions]);
    }

    private static string Needle(NeedleWording wording, string key, string value) => Wording.Fill(wording.Needle, ("key", key), ("value", value));

    private static string Answer(NeedleWording wording, string key, string value) => Wording.Fill(wording.Answer, ("key", key), ("value", value));
}
