namespace Crescent.Models.Tokenizers;

/// <summary>Every token's bytes, side by side. Ids without a token have none.</summary>
internal sealed class TokenTable
{
    private readonly byte[] _bytes;
    private readonly int[] _offsets;
    private readonly bool[] _special;

    /// <param name="tokens">Bytes by id; null where there is no token.</param>
    /// <param name="special">Ids of special tokens.</param>
    public TokenTable(IReadOnlyList<byte[]?> tokens, IEnumerable<int> special)
    {
        _offsets = new int[tokens.Count + 1];
        for (var id = 0; id < tokens.Count; id++)
        {
            _offsets[id + 1] = _offsets[id] + (tokens[id]?.Length ?? 0);
        }

        _bytes = new byte[_offsets[^1]];
        for (var id = 0; id < tokens.Count; id++)
        {
            tokens[id]?.CopyTo(_bytes, _offsets[id]);
        }

        _special = new bool[tokens.Count];
        foreach (var id in special)
        {
            _special[id] = true;
        }
    }

    public int Count => _special.Length;

    /// <summary>Empty for an id of no token: a model's logits may be wider than its vocabulary.</summary>
    public ReadOnlyMemory<byte> GetBytes(int token) =>
        (uint)token < (uint)Count ? _bytes.AsMemory(_offsets[token].._offsets[token + 1]) : default;

    public bool IsSpecial(int token) => (uint)token < (uint)Count && _special[token];
}
