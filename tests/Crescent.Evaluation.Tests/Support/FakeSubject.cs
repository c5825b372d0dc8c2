using System.Text.RegularExpressions;
using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Tests.Support;

/// <summary>Looks magic numbers up in the document. A token is four characters.</summary>
internal sealed partial class FakeSubject : ISubject
{
    private int _asked, _running;

    public string Model => "fake";

    public string Identity => "fake 1";

    public string KvType { get; init; } = "bf16";

    public long? KvBytesPerToken => 2560;

    public int? ContextLength => 10_000;

    /// <summary>The answer with this number throws.</summary>
    public int FailsAt { get; init; } = int.MaxValue;

    public int Asked => _asked;

    public int MostAtOnce { get; private set; }

    public Task<CountTokens> CountLikeAsync((RecallPrompt Bare, RecallPrompt Filled) samples, CancellationToken cancellationToken) =>
        Task.FromResult<CountTokens>(prompt => prompt.UserMessage.Length / 4);

    public async Task<Reply> AskAsync(RecallPrompt prompt, int maxTokens, CancellationToken cancellationToken)
    {
        if (Interlocked.Increment(ref _asked) == FailsAt)
        {
            throw new EvaluationException("it failed");
        }

        lock (this)
        {
            MostAtOnce = Math.Max(MostAtOnce, ++_running);
        }

        await Task.Yield();
        string key = Question().Match(prompt.Question).Groups[1].Value;
        string number = Regex.Match(prompt.Document, $@"magic number for {key} is (\d+)\.").Groups[1].Value;
        lock (this)
        {
            _running--;
        }

        int tokens = prompt.UserMessage.Length / 4;
        return new Reply($"It is {number}.", tokens, 0, 5, TimeSpan.FromMilliseconds(tokens), TimeSpan.FromMilliseconds(tokens + 40));
    }

    [GeneratedRegex(@"What is the magic number for (.*)\?")]
    private static partial Regex Question();
}
