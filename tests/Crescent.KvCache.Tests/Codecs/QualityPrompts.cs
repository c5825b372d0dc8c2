using System.Text;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Codecs;

/// <summary>Prompts in plain English: half of them passages of a novel, half the beginnings of simple stories.</summary>
public static class QualityPrompts
{
    private const int Seed = 17;

    public static IEnumerable<int[]> Draw(ITokenizer tokenizer, int firstToken, int length, int count)
    {
        var random = new Random(Seed);
        string novel = File.ReadAllText(Path.Combine(Repository.Root, "models", "texts", "persuasion.txt"));
        int[] passages = tokenizer.Encode(novel, addSpecialTokens: false, parseSpecialTokens: false);
        for (int i = 0; i < count; i++)
        {
            int[] text = i % 2 == 0
                ? passages[random.Next(passages.Length - length)..]
                : tokenizer.Encode(Story(random), addSpecialTokens: false, parseSpecialTokens: false);
            yield return [firstToken, .. text[..(length - 1)]];
        }
    }

    /// <summary>Some 1,200 characters.</summary>
    private static string Story(Random random)
    {
        string name = Pick("Lily", "Tom", "Ben", "Mia", "Sue", "Max", "Anna", "Tim");
        string animal = Pick("dog", "cat", "bird", "bear", "rabbit", "frog");
        string thing = Pick("ball", "hat", "cake", "boat", "kite", "box");
        string place = Pick("park", "forest", "garden", "house", "lake");
        var story = new StringBuilder($"Once upon a time, there was a {Pick("little", "big", "happy", "sad", "kind")} {Pick("girl", "boy")} named {name}. ");
        story.Append($"{name} loved to play in the {place}. ");
        while (story.Length < 1200)
        {
            story.Append(Pick(
                $"One day, {name} saw a {Pick("red", "blue", "green", "shiny")} {thing} near the {place}. ",
                $"The {animal} was very {Pick("happy", "sad", "scared", "tired")} and said, \"Can you help me?\" ",
                $"{name} said, \"Yes, let us go to the {place} together.\" ",
                $"They ran and jumped and {Pick("laughed", "played", "sang")} all day. ",
                $"Mom gave them a {thing} and a big {Pick("hug", "smile", "cookie")}. ",
                $"But the {animal} could not find the {thing}. ",
                $"Then it started to {Pick("rain", "snow", "get dark")}. ",
                $"\"Thank you, {name},\" said the {animal}. "));
        }

        return story.ToString();

        string Pick(params string[] choices) => choices[random.Next(choices.Length)];
    }
}
