using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Templates;

/// <summary>
/// Renders a conversation as the model was trained to read it. The Jinja source of a model is not run: it is
/// recognised by its markers, and rendered by our own code to the same tokens.
/// </summary>
public static class ChatTemplate
{
    /// <param name="now">Some templates tell the model the date.</param>
    /// <returns>The token ids, up to where the assistant's answer begins.</returns>
    /// <exception cref="RequestException">No template we know, no messages, or a role we do not know.</exception>
    public static IReadOnlyList<int> Encode(ServedModel model, Prompt.Messages prompt, DateTimeOffset now)
    {
        IReadOnlyList<ChatMessage> turns = Normalize(prompt.Turns);
        string source = model.ChatTemplate ?? "";
        var writer = new TurnWriter(model.Tokenizer);
        if (source.Contains(ChatMlTemplate.Start, StringComparison.Ordinal) && writer.Knows(ChatMlTemplate.Start, ChatMlTemplate.End))
        {
            new ChatMlTemplate(source).Write(writer, turns, prompt.EnableThinking);
        }
        else if (source.Contains(Llama3Template.HeaderStart, StringComparison.Ordinal)
            && writer.Knows(Llama3Template.HeaderStart, Llama3Template.HeaderEnd, Llama3Template.End))
        {
            new Llama3Template(source, now).Write(writer, turns);
        }
        else
        {
            throw new RequestException(
                RefusalKind.Invalid,
                $"The model '{model.Id}' has no supported chat template (ChatML or Llama 3); use /v1/completions.",
                "messages",
                "chat_template_missing");
        }

        return writer.ToTokens();
    }

    private static ChatMessage[] Normalize(IReadOnlyList<ChatMessage> turns)
    {
        if (turns.Count == 0)
        {
            throw new RequestException(RefusalKind.Invalid, "'messages' must have at least one message.", "messages");
        }

        return [.. turns.Select((turn, index) => turn.Role switch
        {
            "system" or "user" or "assistant" => turn,
            "developer" => turn with { Role = "system" },
            _ => throw new RequestException(
                RefusalKind.Invalid,
                $"'messages[{index}].role' must be system, developer, user or assistant.",
                $"messages[{index}].role"),
        })];
    }
}
