using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Templates;

/// <summary>Renders conversations as a model was trained to read them.</summary>
public static class ChatTemplate
{
    public static IReadOnlyList<int> Encode(ServedModel model, IReadOnlyList<ChatMessage> turns) => throw new NotImplementedException();
}
