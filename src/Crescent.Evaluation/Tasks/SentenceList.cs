using System.Text;

namespace Crescent.Evaluation.Tasks;

/// <summary>Sentences that look like the needles, ten to a paragraph; the unit is a sentence.</summary>
internal sealed class SentenceList(IReadOnlyList<string> sentences) : IFiller
{
    private const int Paragraph = 10;

    public int MaxSize => sentences.Count;

    public PlacedText Place(IReadOnlyList<string> needles, int size)
    {
        var text = new StringBuilder();
        var offsets = new List<int>(needles.Count);
        int total = needles.Count + size;
        for (int i = 0; i < total; i++)
        {
            if (i > 0)
            {
                text.Append(i % Paragraph == 0 ? "\n\n" : " ");
            }

            bool needle = offsets.Count < needles.Count && i == (int)((offsets.Count + 0.5) / needles.Count * total);
            if (needle)
            {
                offsets.Add(text.Length);
            }

            text.Append(needle ? needles[offsets.Count - 1] : sentences[i - offsets.Count]);
        }

        return new PlacedText(text.ToString(), offsets);
    }
}
