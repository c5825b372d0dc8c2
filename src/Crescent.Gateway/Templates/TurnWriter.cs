using System.Text;

namespace Crescent.Gateway.Templates;

/// <summary>
/// Collects a rendered conversation as tokens. What lies between two special tokens is encoded in one piece, as it is
/// when the whole text is encoded at once, but special tokens spelled in it stay text.
/// </summary>
internal sealed class TurnWriter(ITokenizer tokenizer)
{
    private readonly List<int> _tokens = [];
    private readonly StringBuilder _text = new();

    /// <summary>Whether these are tokens of the model.</summary>
    public bool Knows(params ReadOnlySpan<string> tokens)
    {
        foreach (string token in tokens)
        {
            if (tokenizer.FindToken(token) is null)
            {
                return false;
            }
        }

        return true;
    }

    public TurnWriter Text(string text)
    {
        _text.Append(text);
        return this;
    }

    /// <summary>One of the template's own tokens; plain text when the model has no such token.</summary>
    public TurnWriter Token(string spelling)
    {
        if (tokenizer.FindToken(spelling) is not { } token)
        {
            return Text(spelling);
        }

        FlushText();
        _tokens.Add(token);
        return this;
    }

    /// <summary>What the model begins every text with, if anything.</summary>
    public TurnWriter Bos()
    {
        FlushText();
        _tokens.AddRange(tokenizer.Encode("", addSpecialTokens: true, parseSpecialTokens: false));
        return this;
    }

    public IReadOnlyList<int> ToTokens()
    {
        FlushText();
        return _tokens;
    }

    private void FlushText()
    {
        if (_text.Length > 0)
        {
            _tokens.AddRange(tokenizer.Encode(_text.ToString(), addSpecialTokens: false, parseSpecialTokens: false));
            _text.Clear();
        }
    }
}
