using System.Text;

namespace Crescent.Models.Tests.Tokenizers;

internal static class Decoding
{
    /// <summary>All increments, joined.</summary>
    public static string Of(ITokenizer tokenizer, IEnumerable<int> ids, bool skipSpecial = false)
    {
        var decoder = tokenizer.CreateDecoder(skipSpecial);
        var text = new StringBuilder();
        foreach (var id in ids)
        {
            text.Append(decoder.Append(id));
        }

        return text.Append(decoder.Flush()).ToString();
    }
}
