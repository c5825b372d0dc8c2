using System.CommandLine;
using Crescent.Gateway.Generation;

namespace Crescent.Cli.Commands;

/// <summary>How the answer's tokens are chosen and where it ends.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int?> _maxTokens = Values.Number(
        "--max-tokens", "N", "The most tokens to generate. [default: what the context has room for]", 1, int.MaxValue);

    private readonly Option<float?> _temperature = Values.Number(
        "--temperature", "T", "0 always takes the likeliest token. [default: the model's]", 0f, 2f);

    private readonly Option<float?> _topP = Values.Number(
        "--top-p", "P", "Choose among the likeliest tokens that together reach this probability. [default: the model's]", 0f, 1f);

    private readonly Option<int?> _topK = Values.Number(
        "--top-k", "K", "Choose among this many of the likeliest tokens; 0 is all. [default: the model's]", 0, int.MaxValue);

    private readonly Option<ulong?> _seed = Values.Number(
        "--seed", "N", "The same seed gives the same answer. [default: random]", 0ul, ulong.MaxValue);

    private readonly Option<string[]> _stop = new("--stop")
    {
        HelpName = "TEXT",
        Description = "End before this text; may be given several times.",
        DefaultValueFactory = _ => [],
    };

    public void AddTo(Command command)
    {
        foreach (var option in (IReadOnlyList<Option>)[_maxTokens, _temperature, _topP, _topK, _seed, _stop])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The model is left to the source.</summary>
    public CompletionRequest Read(ParseResult parsed, Prompt prompt) => new()
    {
        Model = "",
        Prompts = [prompt],
        MaxTokens = parsed.GetValue(_maxTokens),
        Sampling = new SamplingOverrides
        {
            Temperature = parsed.GetValue(_temperature),
            TopP = parsed.GetValue(_topP),
            TopK = parsed.GetValue(_topK),
        },
        Seed = parsed.GetValue(_seed),
        Stop = parsed.GetValue(_stop) ?? [],
    };
}
