using System.Security.Cryptography;
using System.Text;

namespace Crescent.Evaluation.Tasks;

/// <summary>The wording of the tasks and the book that needles are hidden in.</summary>
public sealed class RecallMaterial
{
    private RecallMaterial(byte[] wording, string book)
    {
        Wording = Wording.Parse(wording);
        Keys = new KeySpace(Wording);
        Book = Haystack.FromText(book);
        Noise = Haystack.FromSentences(Wording.Noise);
        Hash = Convert.ToHexStringLower(SHA256.HashData([.. wording, .. Encoding.UTF8.GetBytes(book)]))[..16];
    }

    /// <summary>Tells one wording and book from another.</summary>
    public string Hash { get; }

    internal Wording Wording { get; }

    internal KeySpace Keys { get; }

    internal Haystack Book { get; }

    internal Haystack Noise { get; }

    /// <param name="book">Paragraphs separated by blank lines; no model should have been trained on it.</param>
    /// <exception cref="EvaluationException">It has no words.</exception>
    public static RecallMaterial Create(string book) => new(Wording.Read(), book);
}
