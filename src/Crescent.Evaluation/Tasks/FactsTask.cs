using System.Text.RegularExpressions;

namespace Crescent.Evaluation.Tasks;

/// <summary>Facts about invented people, ships and towns in the book, asked for in other words. No name is used twice in a document.</summary>
internal static partial class FactsTask
{
    private const string Person = "person";

    public static DocumentPlan Plan(PlanContext context)
    {
        var templates = context.Wording.Facts.Templates;
        var names = new Names(context.Material.Wording, context.Draws);
        var needles = new List<string>();
        var questions = new List<PlannedQuestion>();
        for (int i = 0; i < context.Questions; i++)
        {
            var template = templates[i % templates.Count];
            (string Slot, string Word)[] words = [.. Slot().Matches(template.Needle).Select(slot => slot.Groups[1].Value).Select(slot => (slot, names.Next(slot)))];
            string needle = Wording.Fill(template.Needle, words);
            needles.Add(needle);
            questions.Add(new PlannedQuestion(
                Wording.Fill(template.Question, words), [words.Single(word => word.Slot == template.Asked).Word], needle, i));
        }

        return new DocumentPlan(context.Book, needles, questions);
    }

    [GeneratedRegex(@"\{(\w+)\}")]
    private static partial Regex Slot();

    private sealed class Names(Wording wording, Draws draws)
    {
        private readonly Dictionary<string, Queue<string>> _left = [];

        /// <exception cref="EvaluationException">All are used.</exception>
        public string Next(string slot) => slot == Person ? $"{Take("first")} {Take("last")}" : Take(slot);

        private string Take(string set)
        {
            if (!_left.TryGetValue(set, out var left))
            {
                _left.Add(set, left = new Queue<string>(draws.Shuffle(wording.Sets[set])));
            }

            return left.TryDequeue(out var name)
                ? name
                : throw new EvaluationException(
                    $"task facts has {wording.Sets[set].Length} names of kind '{set}', too few for so many questions over one document; ask over more documents");
        }
    }
}
