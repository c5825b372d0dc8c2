using Crescent.Bench.Cases;
using Crescent.Bench.Engine;
using Crescent.Bench.Servers;

namespace Crescent.Bench.Running;

/// <summary>Whether both engines compute the same function of a file: nothing of it is timed before.</summary>
internal static class Agreement
{
    private const int PromptTokens = 64;
    private const int Tokens = 16;
    private const int Likely = 20;

    /// <summary>Of the most likely first tokens, those whose log probabilities are compared.</summary>
    private const int Compared = 5;

    /// <summary>llama.cpp rounds activations to 16 bits where weights have them, and to 8 bits where they are quantised.</summary>
    private const double PlainTolerance = 0.15;
    private const double QuantisedTolerance = 0.5;

    /// <returns>The largest difference of log probabilities of the most likely first tokens.</returns>
    /// <exception cref="BenchException">The engines disagree.</exception>
    public static async Task<double> CheckAsync(BenchContext context, ModelName model)
    {
        double tolerance = model.Format.RunLength() == 1 ? PlainTolerance : QuantisedTolerance;
        string path = context.Model(model);
        var crescent = await BenchContext.ChildAsync(
            new ChildWork("answer") { Model = path, Threads = 2, Size = PromptTokens, Tokens = Tokens, Sequences = Likely });
        await using var server = await LlamaServer.StartAsync(context.Llama, path, 2, slots: 1, PromptTokens + Tokens + 64);
        var llama = await server.AnswerAsync(new Prompts(path).Next(PromptTokens), Tokens, Likely);

        var ours = crescent[(2 * Tokens)..].Chunk(2).ToDictionary(pair => (int)pair[0], pair => pair[1]);
        double difference = llama.First.OrderByDescending(token => token.Value).Take(Compared)
            .Max(token => ours.TryGetValue(token.Key, out double logprob) ? Math.Abs(logprob - token.Value) : double.PositiveInfinity);
        if (difference > tolerance)
        {
            throw new BenchException($"{model}: the engines' first log probabilities differ by {difference:0.000} (at most {tolerance} is rounding)");
        }

        for (int i = 0; i < llama.Tokens.Length && crescent[Tokens + i] > tolerance; i++)
        {
            if (llama.Tokens[i] != (int)crescent[i])
            {
                throw new BenchException($"{model}: greedy token {i} is {llama.Tokens[i]} in llama.cpp and {crescent[i]} in Crescent, which is {crescent[Tokens + i]:0.00} ahead of its next");
            }
        }

        return difference;
    }
}
