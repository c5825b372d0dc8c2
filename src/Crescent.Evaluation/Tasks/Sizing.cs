namespace Crescent.Evaluation.Tasks;

/// <summary>Gives a planned document its length.</summary>
internal static class Sizing
{
    /// <summary>What an answer may have beyond the reference: half of it again, and a few words of introduction.</summary>
    private const int SpareTokens = 16;

    private const int FirstGuess = 256;
    private const int Guesses = 8;

    /// <summary>
    /// As much filler as makes the longest prompt and the answer's budget <paramref name="length"/> tokens: never more,
    /// and at most half a percent less where the filler's unit is small enough.
    /// </summary>
    /// <exception cref="EvaluationException">The needles alone are longer, or there is not enough filler.</exception>
    public static RecallDocument Fit(DocumentPlan plan, int length, CountTokens count)
    {
        int bare = count(new RecallPrompt("", ""));
        int Text(string text) => count(new RecallPrompt("", text)) - bare;
        int reference = plan.Questions.Max(question => Text(question.Reference));
        int maxTokens = reference + (reference / 2) + SpareTokens;
        string longest = plan.Questions.Select(question => question.Text).MaxBy(Text)!;
        int Tokens(int size) => count(new RecallPrompt(plan.Filler.Place(plan.Needles, size).Text, longest)) + maxTokens;

        var (size, tokens) = Search(Tokens, length, plan.Filler.MaxSize);
        if (size == plan.Filler.MaxSize && length - tokens > Slack(length))
        {
            throw new EvaluationException($"there are only {size:N0} sentences of filler, {tokens:N0} tokens, too few for length {length:N0}");
        }

        var placed = plan.Filler.Place(plan.Needles, size);
        var questions = plan.Questions.Select(question =>
            new RecallQuestion(question.Text, question.Expected, (double)placed.Offsets[question.Needle] / placed.Text.Length));
        return new RecallDocument(placed.Text, [.. questions], tokens, maxTokens);
    }

    /// <summary>The needles alone, and with so many bytes of filler; with the first question.</summary>
    public static (RecallPrompt Bare, RecallPrompt Filled) Samples(DocumentPlan plan, int bytes)
    {
        RecallPrompt Prompt(int size) => new(plan.Filler.Place(plan.Needles, size).Text, plan.Questions[0].Text);
        int Bytes(int size) => System.Text.Encoding.UTF8.GetByteCount(Prompt(size).Document);
        return (Prompt(0), Prompt(Search(Bytes, Bytes(0) + bytes, plan.Filler.MaxSize).Size));
    }

    private static int Slack(int length) => length / 200;

    /// <summary>Bisects, but guesses by the tokens a unit has had so far: a long document is tokenized a few times only.</summary>
    private static (int Size, int Tokens) Search(Func<int, int> tokensOf, int length, int maxSize)
    {
        var (low, high) = (0, maxSize);
        int empty = tokensOf(0), lowTokens = empty;
        if (empty > length)
        {
            throw new EvaluationException(
                $"length {length:N0} is too short: needles, question and answer alone take {empty:N0} tokens; ask fewer questions over one document");
        }

        int size = Math.Min(FirstGuess, maxSize);
        for (int guess = 0; low < high && length - lowTokens > Slack(length); guess++)
        {
            int tokens = tokensOf(size);
            if (tokens <= length)
            {
                (low, lowTokens) = (size, tokens);
            }
            else
            {
                high = size - 1;
            }

            double perUnit = Math.Max((tokens - empty) / (double)size, 0.01);
            size = guess < Guesses || high == maxSize
                ? (int)Math.Clamp(low + ((length - (Slack(length) / 2) - lowTokens) / perUnit), Math.Min(low + 1, high), high)
                : low + ((high - low + 1) / 2);
        }

        return (low, lowTokens);
    }
}
