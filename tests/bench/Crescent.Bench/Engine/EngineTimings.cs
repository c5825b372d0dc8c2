using System.Diagnostics;

namespace Crescent.Bench.Engine;

/// <summary>What is timed of the engine, in a process of its own. Everything is warm when timing begins.</summary>
internal static class EngineTimings
{
    private const int Generated = 64;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1.5);

    /// <summary>Prompt tokens a second up to the first token, for a prompt nothing is known of.</summary>
    public static async Task<double[]> PrefillAsync(string model, int threads, int tokens, int repeats)
    {
        using var engine = new EngineHost(model, threads, sequences: 2, tokens);
        var random = new Prompts(model);
        await WarmAsync(async () => await engine.GenerateAsync(random.Next(Math.Min(tokens, 512)), 8));
        var rates = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            var answer = await engine.GenerateAsync(random.Next(tokens), 1);
            rates[i] = tokens / answer.SecondsToFirst;
        }

        return rates;
    }

    /// <summary>Tokens a second of one sequence behind so many planted positions.</summary>
    public static async Task<double[]> DecodeAsync(string model, int threads, DType kv, int depth, int repeats)
    {
        using var engine = new EngineHost(model, threads, sequences: 1, depth + Generated + 1, kv);
        var prompt = new Prompts(model).Next(depth + 1);
        engine.Plant(prompt);
        await WarmAsync(async () => await engine.GenerateAsync(prompt, Generated + 1));
        var rates = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            var answer = await engine.GenerateAsync(prompt, Generated + 1);
            RequirePlanted(answer, depth);
            rates[i] = answer.Rate;
        }

        return rates;
    }

    /// <summary>Tokens a second over all of so many sequences, each behind so many planted positions.</summary>
    public static async Task<double[]> ConcurrentAsync(string model, int threads, int sequences, int depth, int tokens, int repeats)
    {
        using var engine = new EngineHost(model, threads, sequences, depth + tokens);
        var random = new Prompts(model);
        var prompts = Enumerable.Range(0, sequences).Select(_ => random.Next(depth + 1)).ToArray();
        Array.ForEach(prompts, engine.Plant);
        await WarmAsync(() => GenerateAsync(8));
        var rates = new double[repeats];
        for (int i = 0; i < repeats; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await GenerateAsync(tokens);
            rates[i] = sequences * tokens / Stopwatch.GetElapsedTime(started).TotalSeconds;
        }

        return rates;

        async Task GenerateAsync(int count)
        {
            var answers = await Task.WhenAll(prompts.Select(prompt => engine.GenerateAsync(prompt, count)));
            Array.ForEach(answers, answer => RequirePlanted(answer, depth));
        }
    }

    /// <summary>A greedy answer in numbers: tokens, then how far each was ahead of the next, then likely first tokens and their log probabilities.</summary>
    public static async Task<double[]> AnswerAsync(string model, int threads, int promptTokens, int tokens, int likely)
    {
        using var engine = new EngineHost(model, threads, sequences: 1, promptTokens + tokens);
        var answer = await engine.GenerateAsync(new Prompts(model).Next(promptTokens), tokens, likely);
        return
        [
            .. answer.Tokens.Select(token => (double)token),
            .. answer.TopLogprobs.Select(top => (double)top[0].Logprob - top[1].Logprob),
            .. answer.TopLogprobs[0].SelectMany(top => new double[] { top.Token, top.Logprob }),
        ];
    }

    private static async Task WarmAsync(Func<Task> work)
    {
        var started = Stopwatch.GetTimestamp();
        do
        {
            await work();
        }
        while (Stopwatch.GetElapsedTime(started) < WarmUp);
    }

    private static void RequirePlanted(GeneratedTokens answer, int depth)
    {
        if (answer.CachedTokens != depth)
        {
            throw new BenchException($"{answer.CachedTokens} of {depth} planted tokens were found in the prefix cache");
        }
    }
}
