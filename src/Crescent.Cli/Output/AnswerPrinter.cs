using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Crescent.Cli.Answers;
using Crescent.Gateway.Generation;
using Spectre.Console;

namespace Crescent.Cli.Output;

/// <summary>Prints answers as they come, and how fast they came.</summary>
/// <param name="json">Print one JSON object per answer, when it is complete, in place of its text.</param>
internal sealed class AnswerPrinter(Terminal terminal, bool json)
{
    private static readonly JsonWriterOptions JsonOptions = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Printed in bold before the text, as the beginning that it continues. Default: nothing.</summary>
    public string Lead { get; init; } = "";

    /// <summary>Runs one request to its end. Cancelling ends the answer with <see cref="FinishReason.Cancelled"/> and does not throw.</summary>
    /// <exception cref="CliException">The answer could not be completed; what there was of it is printed.</exception>
    public async Task<Answer> PrintAsync(IAnswerSource source, CompletionRequest request, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var watch = Stopwatch.StartNew();
        var firstPart = TimeSpan.Zero;
        await using var parts = source.AskAsync(request, cancellationToken).GetAsyncEnumerator(CancellationToken.None);
        var part = await terminal.WorkAsync("Waiting for the first token", async show =>
        {
            var found = await FirstTextAsync(parts, show);
            firstPart = watch.Elapsed;
            return found;
        });
        TimeSpan? first = part.Text.Length > 0 ? firstPart : null;
        if (!json)
        {
            terminal.Screen.Markup($"[bold]{Markup.Escape(Lead)}[/]");
        }

        while (true)
        {
            if (part.Text.Length > 0)
            {
                text.Append(part.Text);
                if (!json)
                {
                    terminal.WriteText(part.Text);
                }
            }

            if (part.End is not null)
            {
                break;
            }

            part = await NextAsync(parts);
        }

        var answer = new Answer(source.Model, text.ToString(), part.End, first, watch.Elapsed);
        PrintEnd(answer);
        return answer;
    }

    /// <returns>The first part with text or the end.</returns>
    private static async Task<AnswerPart> FirstTextAsync(IAsyncEnumerator<AnswerPart> parts, Action<string> show)
    {
        while (true)
        {
            var part = await NextAsync(parts);
            if (part.Text.Length > 0 || part.End is not null)
            {
                return part;
            }

            if (part.PromptTokens > 0)
            {
                show(string.Create(CultureInfo.InvariantCulture, $"Reading the prompt: {part.PrefilledTokens:N0} of {part.PromptTokens:N0} tokens"));
            }
        }
    }

    private static async Task<AnswerPart> NextAsync(IAsyncEnumerator<AnswerPart> parts) =>
        await parts.MoveNextAsync() ? parts.Current : throw new InvalidOperationException("An answer had no end.");

    private void PrintEnd(Answer answer)
    {
        if (json)
        {
            terminal.WriteLine(ToJson(answer));
        }
        else
        {
            if (!answer.Text.EndsWith('\n'))
            {
                terminal.WriteLine();
            }

            terminal.Note(Describe(answer));
        }

        if (answer.End.Reason is FinishReason.Error or FinishReason.Deadline or FinishReason.Drained)
        {
            throw new CliException(answer.End.Error ?? $"the answer is not complete: {Word(answer.End.Reason)}");
        }
    }

    private static string Describe(Answer answer)
    {
        var facts = new List<string>();
        if (answer.End.Usage is { } usage)
        {
            string cached = usage.CachedTokens > 0 ? Invariant($" ({usage.CachedTokens:N0} cached)") : "";
            facts.Add(Invariant($"prompt {Count(usage.PromptTokens)}{cached}"));
            facts.Add(Invariant($"answer {Count(usage.CompletionTokens)}"));
        }

        if (answer.FirstToken is { } first)
        {
            facts.Add(Invariant($"first token after {Duration(first)}"));
        }

        if (answer.TokensPerSecond is { } rate)
        {
            facts.Add(Invariant($"{rate:N1} tokens/s"));
        }

        if (answer.End.Reason != FinishReason.Stop)
        {
            facts.Add(answer.End.Reason == FinishReason.Length ? "cut at the token limit" : Word(answer.End.Reason));
        }

        return string.Join(" · ", facts);
    }

    private static string Count(int tokens) => Invariant($"{tokens:N0} {(tokens == 1 ? "token" : "tokens")}");

    private static string Duration(TimeSpan time) =>
        time < TimeSpan.FromSeconds(1) ? Invariant($"{time.TotalMilliseconds:N0} ms") : Invariant($"{time.TotalSeconds:N1} s");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private static string Word(FinishReason reason) => reason.ToString().ToLowerInvariant();

    private static string ToJson(Answer answer)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, JsonOptions))
        {
            writer.WriteStartObject();
            writer.WriteString("model", answer.Model);
            writer.WriteString("text", answer.Text);
            writer.WriteString("finish_reason", Word(answer.End.Reason));
            if (answer.End.Usage is { } usage)
            {
                writer.WriteStartObject("usage");
                writer.WriteNumber("prompt_tokens", usage.PromptTokens);
                writer.WriteNumber("completion_tokens", usage.CompletionTokens);
                writer.WriteNumber("total_tokens", usage.PromptTokens + usage.CompletionTokens);
                writer.WriteNumber("cached_tokens", usage.CachedTokens);
                writer.WriteEndObject();
            }

            writer.WriteStartObject("timings");
            WriteRounded(writer, "first_token_ms", answer.FirstToken?.TotalMilliseconds);
            WriteRounded(writer, "total_ms", answer.Total.TotalMilliseconds);
            WriteRounded(writer, "tokens_per_second", answer.TokensPerSecond);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    private static void WriteRounded(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, Math.Round(number, 2));
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
