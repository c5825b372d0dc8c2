namespace Crescent.Evaluation.Tasks;

/// <summary>A document and a question about it. All questions about one document share everything before the question.</summary>
public sealed record RecallPrompt(string Document, string Question)
{
    /// <summary>For a model that chats.</summary>
    public string UserMessage => $"{Document}\n\n{Question}";

    /// <summary>For one that only continues text.</summary>
    public string Completion => $"{Document}\n\nQuestion: {Question}\nAnswer:";
}

/// <summary>Tokens of a prompt as the model reads it, template and all.</summary>
public delegate int CountTokens(RecallPrompt prompt);
