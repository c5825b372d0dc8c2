using System.Buffers;
using System.Text;

namespace Crescent.Models.Tokenizers;

/// <summary>Turns one piece of text into token ids.</summary>
internal abstract class BpeModel(BpeMerges merges)
{
    public void Encode(ReadOnlySpan<char> piece, BpeWorkspace workspace)
    {
        if (TryEncodeWhole(piece, workspace))
        {
            return;
        }

        workspace.BeginPiece();
        AddSymbols(piece, workspace);
        workspace.EndPiece(merges);
    }

    protected virtual bool TryEncodeWhole(ReadOnlySpan<char> piece, BpeWorkspace workspace) => false;

    protected abstract void AddSymbols(ReadOnlySpan<char> piece, BpeWorkspace workspace);

    /// <summary>Reads one scalar value; an unpaired surrogate is U+FFFD.</summary>
    protected static Rune Read(ref ReadOnlySpan<char> text)
    {
        var status = Rune.DecodeFromUtf16(text, out var rune, out var consumed);
        text = text[consumed..];
        return status == OperationStatus.Done ? rune : Rune.ReplacementChar;
    }
}

/// <summary>Symbols are bytes, spelled in <see cref="ByteAlphabet"/>; every text has a spelling.</summary>
internal sealed class ByteLevelBpe : BpeModel
{
    private const int MaxWholeLength = 256;

    private readonly int[] _byteTokens = new int[256];
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>>? _whole;

    /// <param name="vocabulary">Tokens by spelling. A byte without a token comes out as <paramref name="unknown"/>, or not at all.</param>
    /// <param name="ignoreMerges">Whether a piece that is a token is that token, whatever the merges say (Llama-3).</param>
    public ByteLevelBpe(BpeMerges merges, Dictionary<string, int> vocabulary, int? unknown, bool ignoreMerges)
        : base(merges)
    {
        for (var b = 0; b < 256; b++)
        {
            _byteTokens[b] = vocabulary.TryGetValue(ByteAlphabet.ToChar((byte)b).ToString(), out var id) ? id : unknown ?? -1;
        }

        _whole = ignoreMerges ? vocabulary.GetAlternateLookup<ReadOnlySpan<char>>() : null;
    }

    protected override bool TryEncodeWhole(ReadOnlySpan<char> piece, BpeWorkspace workspace)
    {
        if (_whole is not { } whole || piece.Length > MaxWholeLength)
        {
            return false;
        }

        Span<char> spelled = stackalloc char[MaxWholeLength];
        if (!ByteAlphabet.TrySpell(piece, spelled, out var length)
            || !whole.TryGetValue(spelled[..length], out var id))
        {
            return false;
        }

        workspace.Emit(id);
        return true;
    }

    protected override void AddSymbols(ReadOnlySpan<char> piece, BpeWorkspace workspace)
    {
        Span<byte> utf8 = stackalloc byte[4];
        while (!piece.IsEmpty)
        {
            var length = Read(ref piece).EncodeToUtf8(utf8);
            for (var i = 0; i < length; i++)
            {
                var id = _byteTokens[utf8[i]];
                if (id >= 0)
                {
                    workspace.AddSymbol(id);
                }
            }
        }
    }
}

/// <summary>
/// Symbols are characters (SentencePiece); one without a token is spelled in byte tokens, or is unknown.
/// </summary>
internal sealed class CharacterBpe : BpeModel
{
    private readonly Dictionary<int, int> _characters = [];
    private readonly int[]? _byteTokens;
    private readonly int? _unknown;
    private readonly bool _fuseUnknown;

    /// <param name="vocabulary">Tokens by spelling.</param>
    /// <param name="byteTokens">The 256 byte tokens, or null when the model has no byte fallback; -1 for a missing one.</param>
    /// <param name="unknown">What a character without any token becomes; null drops it.</param>
    /// <param name="fuseUnknown">Whether neighbouring unknown characters become one token.</param>
    public CharacterBpe(
        BpeMerges merges, Dictionary<string, int> vocabulary, int[]? byteTokens, int? unknown, bool fuseUnknown)
        : base(merges)
    {
        foreach (var (text, id) in vocabulary)
        {
            if (Rune.DecodeFromUtf16(text, out var rune, out var consumed) == OperationStatus.Done && consumed == text.Length)
            {
                _characters[rune.Value] = id;
            }
        }

        _byteTokens = byteTokens;
        _unknown = unknown;
        _fuseUnknown = fuseUnknown;
    }

    protected override void AddSymbols(ReadOnlySpan<char> piece, BpeWorkspace workspace)
    {
        var afterUnknown = false;
        while (!piece.IsEmpty)
        {
            var rune = Read(ref piece);
            if (_characters.TryGetValue(rune.Value, out var id))
            {
                workspace.AddSymbol(id);
                afterUnknown = false;
            }
            else if (TryAddBytes(rune, workspace))
            {
                afterUnknown = false;
            }
            else
            {
                if (_unknown is { } unknown && !(afterUnknown && _fuseUnknown))
                {
                    workspace.AddSymbol(unknown);
                }

                afterUnknown = true;
            }
        }
    }

    private bool TryAddBytes(Rune rune, BpeWorkspace workspace)
    {
        if (_byteTokens is null)
        {
            return false;
        }

        Span<byte> utf8 = stackalloc byte[4];
        utf8 = utf8[..rune.EncodeToUtf8(utf8)];
        foreach (var value in utf8)
        {
            if (_byteTokens[value] < 0)
            {
                return false;
            }
        }

        foreach (var value in utf8)
        {
            workspace.AddSymbol(_byteTokens[value]);
        }

        return true;
    }
}
