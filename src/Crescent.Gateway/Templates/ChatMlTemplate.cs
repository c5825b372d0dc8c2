using System.Text.RegularExpressions;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Templates;

/// <summary>
/// ChatML as Qwen 2, 2.5 and 3 render it. Two things differ between models and are read from the Jinja source: a
/// system prompt that stands in when a conversation has none, and whether the model thinks aloud.
/// </summary>
internal sealed partial class ChatMlTemplate
{
    public const string Start = "<|im_start|>";
    public const string End = "<|im_end|>";
    private const string ThinkStart = "<think>";
    private const string ThinkEnd = "</think>";

    private readonly string? _defaultSystem;
    private readonly bool _beginsWithBos;
    private readonly bool _thinks;

    public ChatMlTemplate(string source)
    {
        Match match = DefaultSystem().Match(source);
        _defaultSystem = match.Success ? match.Groups["text"].Value : null;
        _beginsWithBos = source.Contains("bos_token", StringComparison.Ordinal);
        _thinks = source.Contains("enable_thinking", StringComparison.Ordinal);
    }

    /// <param name="enableThinking">false: the answer begins after an empty thought. Ignored by models that do not think.</param>
    public void Write(TurnWriter writer, IReadOnlyList<ChatMessage> turns, bool? enableThinking)
    {
        if (_beginsWithBos)
        {
            writer.Bos();
        }

        if (_defaultSystem is not null && turns[0].Role != "system")
        {
            WriteTurn(writer, "system").Text(_defaultSystem).Token(End).Text("\n");
        }

        int lastQuery = LastQuery(turns);
        for (int i = 0; i < turns.Count; i++)
        {
            WriteTurn(writer, turns[i].Role);
            if (_thinks && turns[i].Role == "assistant")
            {
                WriteThoughtful(writer, turns[i].Content, i > lastQuery, i == turns.Count - 1);
            }
            else
            {
                writer.Text(turns[i].Content);
            }

            writer.Token(End).Text("\n");
        }

        WriteTurn(writer, "assistant");
        if (_thinks && enableThinking == false)
        {
            writer.Token(ThinkStart).Text("\n\n").Token(ThinkEnd).Text("\n\n");
        }
    }

    /// <summary>Index of the last user turn; of the last turn when there is none.</summary>
    private static int LastQuery(IReadOnlyList<ChatMessage> turns)
    {
        for (int i = turns.Count - 1; i >= 0; i--)
        {
            if (turns[i].Role == "user")
            {
                return i;
            }
        }

        return turns.Count - 1;
    }

    private static TurnWriter WriteTurn(TurnWriter writer, string role) => writer.Token(Start).Text(role).Text("\n");

    /// <summary>Thoughts of turns before the last question are left out.</summary>
    private static void WriteThoughtful(TurnWriter writer, string content, bool afterLastQuery, bool isLast)
    {
        string thought = "";
        int end = content.LastIndexOf(ThinkEnd, StringComparison.Ordinal);
        if (end >= 0)
        {
            thought = content[..content.IndexOf(ThinkEnd, StringComparison.Ordinal)].TrimEnd('\n');
            int start = thought.LastIndexOf(ThinkStart, StringComparison.Ordinal);
            thought = (start < 0 ? thought : thought[(start + ThinkStart.Length)..]).Trim('\n');
            content = content[(end + ThinkEnd.Length)..].TrimStart('\n');
        }

        if (afterLastQuery && (isLast || thought.Length > 0))
        {
            writer.Token(ThinkStart).Text("\n").Text(thought).Text("\n").Token(ThinkEnd).Text("\n\n");
            content = content.TrimStart('\n');
        }

        writer.Text(content);
    }

    /// <summary>A system turn written out in one literal: <c>'&lt;|im_start|>system\nYou are …&lt;|im_end|>\n'</c>.</summary>
    [GeneratedRegex("""['"]<\|im_start\|>system(?:\\n|\n)(?<text>[^'"{}\\]*)<\|im_end\|>""")]
    private static partial Regex DefaultSystem();
}
