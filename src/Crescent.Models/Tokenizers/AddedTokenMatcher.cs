using System.Buffers;
using System.Globalization;
using System.Text;

namespace Crescent.Models.Tokenizers;

/// <summary>
/// Finds added tokens: leftmost first, the longest of those that start at one place. At most (longest spelling) steps
/// per character.
/// </summary>
internal sealed class AddedTokenMatcher
{
    private readonly Dictionary<(int Node, char Next), int> _edges = [];
    private readonly List<AddedToken?> _ends = [null];
    private readonly SearchValues<char> _firsts;

    /// <param name="spellings">Spelling and token; an empty spelling is never found.</param>
    public AddedTokenMatcher(IEnumerable<(string Spelling, AddedToken Token)> spellings)
    {
        var firsts = new HashSet<char>();
        foreach (var (spelling, token) in spellings.Where(s => s.Spelling.Length > 0))
        {
            firsts.Add(spelling[0]);
            var node = 0;
            foreach (var c in spelling)
            {
                if (!_edges.TryGetValue((node, c), out var next))
                {
                    next = _ends.Count;
                    _ends.Add(null);
                    _edges.Add((node, c), next);
                }

                node = next;
            }

            _ends[node] = token;
        }

        _firsts = SearchValues.Create(firsts.ToArray());
    }

    /// <summary>The next token at or after <paramref name="from"/>, with the white space it takes.</summary>
    /// <returns>False when there is none.</returns>
    public bool TryFind(ReadOnlySpan<char> text, int from, out Range range, out AddedToken token)
    {
        for (var at = from; at < text.Length;)
        {
            var skip = text[at..].IndexOfAny(_firsts);
            if (skip < 0)
            {
                break;
            }

            at += skip;
            if (Longest(text, at) is not { } found)
            {
                at++;
                continue;
            }

            var start = at;
            var end = at + found.Length;
            at = end;
            if (found.Token.SingleWord && (EndsInWord(text[..start]) || StartsWithWord(text[end..])))
            {
                continue;
            }

            if (found.Token.StripsLeft)
            {
                start = from + text[from..start].TrimEnd().Length;
            }

            if (found.Token.StripsRight)
            {
                end = text.Length - text[end..].TrimStart().Length;
            }

            (range, token) = (start..end, found.Token);
            return true;
        }

        (range, token) = (default, null!);
        return false;
    }

    private (AddedToken Token, int Length)? Longest(ReadOnlySpan<char> text, int start)
    {
        (AddedToken, int)? longest = null;
        var node = 0;
        for (var at = start; at < text.Length && _edges.TryGetValue((node, text[at]), out node); at++)
        {
            if (_ends[node] is { } token)
            {
                longest = (token, at + 1 - start);
            }
        }

        return longest;
    }

    private static bool EndsInWord(ReadOnlySpan<char> text)
    {
        Rune.DecodeLastFromUtf16(text, out var rune, out _);
        return !text.IsEmpty && IsWord(rune);
    }

    private static bool StartsWithWord(ReadOnlySpan<char> text)
    {
        Rune.DecodeFromUtf16(text, out var rune, out _);
        return !text.IsEmpty && IsWord(rune);
    }

    /// <summary><c>\w</c>: letters, marks, decimal digits, letter numbers and connectors.</summary>
    private static bool IsWord(Rune rune) => Rune.GetUnicodeCategory(rune) is <= UnicodeCategory.LetterNumber
        or UnicodeCategory.ConnectorPunctuation;
}
