using System.Text;

namespace Crescent.Gateway.Generation;

/// <summary>
/// Turns one choice's token frames into deltas: decodes, looks for stop strings, and lets a token out when its text is.
/// Not safe for concurrent use.
/// <code>
///   text so far   |-------- out --------|-- held back --|
///                                       ^ _released     ^ _decoded
/// </code>
/// </summary>
internal sealed class ChoiceStream(
    int index,
    GenerateRequest request,
    ServedModel model,
    StopStrings? stops,
    IReadOnlyList<int> stopTokenIds)
{
    private readonly ITokenDecoder _decoder = StartDecoder(request, model);
    private readonly StringBuilder _held = new();
    private readonly List<HeldToken> _heldTokens = [];
    private int _stopState;
    private int _released;
    private int _decoded;
    private int _prefilledTokens;

    public GenerateRequest Request { get; } = request;

    public FinishReason? FinishReason { get; private set; }

    public int GeneratedTokens { get; private set; }

    public int CachedTokens { get; private set; }

    /// <summary>
    /// The output goes on where the prompt ends: decoded after its last token, a space at the very start is kept by
    /// tokenizers that drop it from the start of a text.
    /// </summary>
    private static ITokenDecoder StartDecoder(GenerateRequest request, ServedModel model)
    {
        ITokenDecoder decoder = model.Tokenizer.CreateDecoder(skipSpecialTokens: true);
        decoder.Append(request.PromptTokens[^1]);
        return decoder;
    }

    /// <returns>null: nothing came out.</returns>
    public CompletionDelta? Append(TokenFrame frame)
    {
        bool progressed = frame.PrefilledTokens > _prefilledTokens;
        _prefilledTokens = Math.Max(_prefilledTokens, frame.PrefilledTokens);
        CachedTokens = Math.Max(CachedTokens, frame.CachedTokens);

        string text = "";
        int? stopToken = null;
        if (frame.Token is { } token)
        {
            GeneratedTokens++;
            if (frame.FinishReason == Crescent.FinishReason.Stop && Request.StopTokens.Contains(token))
            {
                stopToken = stopTokenIds.Contains(token) ? token : null;
            }
            else
            {
                int offset = _decoded;
                text = _decoder.Append(token);
                _heldTokens.Add(new HeldToken(
                    new GeneratedToken(token, offset, frame.Logprob, frame.TopLogprobs), offset + Math.Max(1, text.Length)));
            }
        }

        if (frame.FinishReason is { } reason)
        {
            return Finish(text + _decoder.Flush(), reason, stopToken, frame.Error);
        }

        string released = Release(text, out int? matched);
        return matched is { } stop
            ? Ended(released, Crescent.FinishReason.Stop, stop)
            : Delta(released, progressed);
    }

    /// <summary>Ends a choice whose stream did not.</summary>
    public CompletionDelta End(FinishReason reason, string? error = null) => Finish(_decoder.Flush(), reason, null, error);

    private CompletionDelta Finish(string text, FinishReason reason, int? stopToken, string? error)
    {
        string released = Release(text, out int? matched);
        if (matched is { } stop)
        {
            return Ended(released, Crescent.FinishReason.Stop, stop);
        }

        released += _held.ToString();
        _held.Clear();
        _released = _decoded;
        return Ended(released, reason, null) with { StopToken = stopToken, Error = error };
    }

    private CompletionDelta Ended(string text, FinishReason reason, int? matched)
    {
        FinishReason = reason;
        return new CompletionDelta
        {
            Choice = index,
            Text = text,
            Tokens = ReleaseTokens(matched is null ? _heldTokens.Count : CountTokensBefore(_released)),
            PrefilledTokens = _prefilledTokens,
            CachedTokens = CachedTokens,
            FinishReason = reason,
            StopString = matched is { } stop ? stops!.Strings[stop] : null,
        };
    }

    private CompletionDelta? Delta(string text, bool progressed)
    {
        IReadOnlyList<GeneratedToken> tokens = ReleaseTokens(CountTokensOut());
        if (text.Length == 0 && tokens.Count == 0 && !progressed)
        {
            return null;
        }

        return new CompletionDelta
        {
            Choice = index,
            Text = text,
            Tokens = tokens,
            PrefilledTokens = _prefilledTokens,
            CachedTokens = CachedTokens,
        };
    }

    /// <summary>What can go out when <paramref name="text"/> has come in.</summary>
    /// <param name="matched">The stop string that is complete; what is held begins with it and is dropped.</param>
    private string Release(string text, out int? matched)
    {
        matched = null;
        _decoded += text.Length;
        if (stops is null)
        {
            _released = _decoded;
            return text;
        }

        for (int i = 0; i < text.Length; i++)
        {
            _stopState = stops.Advance(_stopState, text[i]);
            matched = stops.Match(_stopState);
            if (matched is { } stop)
            {
                _held.Append(text, 0, i + 1);
                return TakeHeld(_held.Length - stops.Strings[stop].Length);
            }
        }

        _held.Append(text);
        return TakeHeld(_held.Length - stops.HeldLength(_stopState));
    }

    private string TakeHeld(int length)
    {
        _released += length;
        string taken = _held.ToString(0, length);
        _held.Remove(0, length);
        return taken;
    }

    /// <summary>Tokens whose text begins before a cut.</summary>
    private int CountTokensBefore(int cut)
    {
        int count = 0;
        while (count < _heldTokens.Count && _heldTokens[count].Token.TextOffset < cut)
        {
            count++;
        }

        return count;
    }

    /// <summary>Tokens whose text is out completely.</summary>
    private int CountTokensOut()
    {
        int count = 0;
        while (count < _heldTokens.Count && _heldTokens[count].End <= _released)
        {
            count++;
        }

        return count;
    }

    private IReadOnlyList<GeneratedToken> ReleaseTokens(int count)
    {
        if (count == 0)
        {
            return [];
        }

        var tokens = new GeneratedToken[count];
        for (int i = 0; i < count; i++)
        {
            tokens[i] = _heldTokens[i].Token;
        }

        _heldTokens.RemoveRange(0, count);
        return tokens;
    }

    /// <param name="End">Where its text ends in the choice's text; a token that completes no character waits for the one after it.</param>
    private readonly record struct HeldToken(GeneratedToken Token, int End);
}
