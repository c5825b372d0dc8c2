using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using Crescent.Cli.Answers;
using Crescent.Cli.Output;

namespace Crescent.Cli.Commands;

/// <summary>Options whose values are checked while the command line is parsed. Their messages name the option.</summary>
internal static class Values
{
    public static Option<T?> Number<T>(string name, string help, string description, T least, T most)
        where T : struct, INumber<T> => new(name)
        {
            HelpName = help,
            Description = description,
            CustomParser = result => Parse<T?>(
                result,
                T.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most ? value : null,
                FormattableString.Invariant($"a number from {least} to {most}")),
        };

    public static Option<long?> Size(string name, string description) => new(name)
    {
        HelpName = "SIZE",
        Description = description,
        CustomParser = result => Parse<long?>(
            result, ByteSize.TryParse(result.Tokens[0].Value, out long bytes) && bytes > 0 ? bytes : null, "a size such as 512MiB or 2GiB"),
    };

    public static Option<Uri?> Url(string name, string description) => new(name)
    {
        HelpName = "URL",
        Description = description,
        CustomParser = result => Parse(result, NodeClient.TryParseUrl(result.Tokens[0].Value), "a URL such as http://127.0.0.1:8080"),
    };

    public static Option<string?> Choice(string name, string description, params string[] words) => new(name)
    {
        HelpName = string.Join('|', words),
        Description = description,
        CustomParser = result => Parse(
            result,
            Array.Find(words, word => word == result.Tokens[0].Value),
            words.Length == 1 ? words[0] : $"{string.Join(", ", words[..^1])} or {words[^1]}"),
    };

    /// <summary>Words with commas between them, or the option several times; nothing counts twice.</summary>
    /// <param name="parse">What one word stands for; nothing: it is wrong.</param>
    public static Option<T[]?> List<T>(string name, string help, string description, Func<string, T[]> parse, string expected) => new(name)
    {
        HelpName = help,
        Description = description,
        CustomParser = result =>
        {
            var values = new List<T>();
            foreach (string word in result.Tokens.SelectMany(token => token.Value.Split(',')))
            {
                var parsed = parse(word);
                if (parsed.Length == 0)
                {
                    result.AddError($"{name} needs {expected}, not '{word}'");
                    return null;
                }

                values.AddRange(parsed);
            }

            return [.. values.Distinct()];
        },
    };

    private static T? Parse<T>(ArgumentResult result, T? value, string expected)
    {
        if (value is null)
        {
            string name = ((OptionResult)result.Parent!).Option.Name;
            result.AddError($"{name} needs {expected}, not '{result.Tokens[0].Value}'");
        }

        return value;
    }
}
