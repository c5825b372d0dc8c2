using System.Text;

namespace Crescent.Evaluation.Tasks;

/// <summary>Prose without an end: a text whose last word is followed by its first.</summary>
internal sealed class Haystack
{
    private static readonly string[] Abbreviations =
        ["Mr.", "Mrs.", "Dr.", "St.", "Messrs.", "Capt.", "Col.", "Esq.", "Rev.", "Hon.", "Lieut.", "Adm.", "Gen.", "No.", "Vol.", "viz.", "etc.", "i.e.", "e.g."];

    private readonly List<Word> _words = [];
    private readonly List<int> _paragraphs = [];

    private Haystack()
    {
    }

    /// <summary>How a word ends; a needle may stand behind all but the first kind.</summary>
    private enum Ending
    {
        Word,
        Sentence,
        Paragraph,
    }

    /// <summary>Words that begin a paragraph.</summary>
    public IReadOnlyList<int> Paragraphs => _paragraphs;

    /// <summary>Paragraphs are separated by a blank line.</summary>
    /// <exception cref="EvaluationException">It has no words.</exception>
    public static Haystack FromText(string text)
    {
        var haystack = new Haystack();
        foreach (string paragraph in text.ReplaceLineEndings("\n").Split("\n\n"))
        {
            var words = paragraph.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0)
            {
                haystack._paragraphs.Add(haystack._words.Count);
                haystack._words.AddRange(words.Select((word, i) => new Word(word, EndingOf(word, i + 1 < words.Length ? words[i + 1] : null))));
            }
        }

        return haystack._words.Count > 0 ? haystack : throw new EvaluationException("the text has no words");
    }

    /// <summary>Sentences over and over, in one paragraph.</summary>
    public static Haystack FromSentences(IEnumerable<string> sentences)
    {
        var haystack = new Haystack();
        haystack._paragraphs.Add(0);
        foreach (string sentence in sentences)
        {
            var words = sentence.Split(' ');
            haystack._words.AddRange(words.Select((word, i) => new Word(word, i == words.Length - 1 ? Ending.Sentence : Ending.Word)));
        }

        return haystack;
    }

    /// <summary>The prose from a word on; its unit is a word.</summary>
    public IFiller From(int word) => new Stretch(this, word);

    private static Ending EndingOf(string word, string? next)
    {
        if (next is null)
        {
            return Ending.Paragraph;
        }

        string bare = word.TrimEnd('"', '\'', ')', ']', '”', '’', '_');
        bool stops = bare.EndsWith('.') || bare.EndsWith('!') || bare.EndsWith('?');
        bool initial = bare is [>= 'A' and <= 'Z', '.'];
        bool goesOn = next.FirstOrDefault(char.IsLetter) is var letter && char.IsLower(letter);
        return stops && !initial && !goesOn && !Abbreviations.Contains(bare.TrimStart('"', '\'', '(', '“', '‘')) ? Ending.Sentence : Ending.Word;
    }

    private readonly record struct Word(string Text, Ending Ending);

    private sealed class Stretch(Haystack haystack, int start) : IFiller
    {
        public int MaxSize => int.MaxValue;

        public PlacedText Place(IReadOnlyList<string> needles, int size)
        {
            var text = new StringBuilder();
            var offsets = new List<int>(needles.Count);
            var places = Places(needles.Count, size);
            Hide(0);
            for (int i = 0; i < size; i++)
            {
                var word = WordAt(i);
                text.Append(word.Text);
                Hide(i + 1);
                if (i + 1 < size)
                {
                    text.Append(word.Ending == Ending.Paragraph ? "\n\n" : " ");
                }
            }

            return new PlacedText(text.ToString(), offsets);

            // The needles that stand behind so many words, at the end of a line if they end one.
            void Hide(int words)
            {
                for (; offsets.Count < needles.Count && places[offsets.Count] == words; text.Append(needles[offsets.Count - 1]))
                {
                    Separate();
                    offsets.Add(text.Length);
                }

                if (words == 0 && size > 0)
                {
                    Separate();
                }
            }

            void Separate()
            {
                if (text.Length > 0)
                {
                    text.Append(' ');
                }
            }
        }

        /// <summary>Behind how many words each needle stands: always where a sentence ends.</summary>
        private int[] Places(int needles, int size)
        {
            int[] ends = [0, .. Enumerable.Range(1, size).Where(count => WordAt(count - 1).Ending != Ending.Word)];
            return [.. Enumerable.Range(0, needles).Select(i => Nearest(ends, (i + 0.5) / needles * size))];
        }

        private static int Nearest(int[] ends, double place)
        {
            int above = Array.BinarySearch(ends, (int)Math.Ceiling(place));
            above = above < 0 ? ~above : above;
            return above == ends.Length || (above > 0 && place - ends[above - 1] < ends[above] - place) ? ends[above - 1] : ends[above];
        }

        private Word WordAt(int index) => haystack._words[(int)(((long)start + index) % haystack._words.Count)];
    }
}
