namespace Crescent.Evaluation.Running;

/// <summary>What two timed prompts tell of longer ones: reading n tokens takes a·n + b·n², a token behind them c + d·n.</summary>
/// <param name="PerToken">a, in seconds.</param>
/// <param name="PerPair">b.</param>
/// <param name="Step">c.</param>
/// <param name="StepPerToken">d.</param>
internal sealed record TimeEstimate(double PerToken, double PerPair, double Step, double StepPerToken)
{
    /// <summary>Of two different prompts that shared nothing with earlier ones.</summary>
    public static TimeEstimate Fit(Reply shorter, Reply longer)
    {
        double n = shorter.PromptTokens, m = longer.PromptTokens;
        double pair = Math.Max(0, ((Reading(longer) / m) - (Reading(shorter) / n)) / Math.Max(m - n, 1));
        double stepPerToken = Math.Max(0, (StepOf(longer) - StepOf(shorter)) / Math.Max(m - n, 1));
        return new TimeEstimate(
            Math.Max(0, (Reading(longer) / m) - (pair * m)), pair, Math.Max(0, StepOf(longer) - (stepPerToken * m)), stepPerToken);
    }

    /// <summary>One document and the questions over it, one after the other.</summary>
    /// <param name="answer">Tokens of an answer, and of a question.</param>
    public TimeSpan Document(int length, int questions, int answer) => TimeSpan.FromSeconds(
        (length * (PerToken + (PerPair * length)))
        + (questions * answer * (PerToken + (2 * PerPair * length) + Step + (StepPerToken * length))));

    /// <summary>"40 s", "12 min" or "3.4 h".</summary>
    public static string Describe(TimeSpan time) => time switch
    {
        { TotalMinutes: < 2 } => FormattableString.Invariant($"{Math.Ceiling(time.TotalSeconds):0} s"),
        { TotalHours: < 2 } => FormattableString.Invariant($"{time.TotalMinutes:0} min"),
        _ => FormattableString.Invariant($"{time.TotalHours:0.0} h"),
    };

    private static double Reading(Reply reply) => (reply.FirstToken ?? reply.Total).TotalSeconds;

    private static double StepOf(Reply reply) =>
        reply.CompletionTokens > 1 ? (reply.Total.TotalSeconds - Reading(reply)) / (reply.CompletionTokens - 1) : 0;
}
