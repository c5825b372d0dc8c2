using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Crescent.Models.Tests.Tokenizers;

/// <summary>
/// Code points that are assigned in .NET's Unicode tables and not in those of the Node that made the vectors, or the
/// other way round. A tokenizer may rightly differ on them: they are as young as the tables, and models saw none.
/// </summary>
internal sealed class UnicodeGap
{
    private readonly int[][] _unassigned =
        JsonSerializer.Deserialize<int[][]>(File.ReadAllText(Vectors.PathOf("unicode.json")))!;

    public bool IsIn(string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            var unknownHere = Rune.GetUnicodeCategory(rune) is UnicodeCategory.OtherNotAssigned;
            if (unknownHere != IsUnassignedThere(rune.Value))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsUnassignedThere(int codePoint)
    {
        var (low, high) = (0, _unassigned.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (codePoint < _unassigned[middle][0])
            {
                high = middle - 1;
            }
            else if (codePoint > _unassigned[middle][1])
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }
}
